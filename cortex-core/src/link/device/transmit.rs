//! The device session's transmitting half: what is due, as frames.

use super::*;

impl<E: Engine> Core<E> {
    /// Writes the next frame due to the front of `out` and returns its length.
    #[inline(never)]
    pub(super) fn transmit(
        &mut self,
        out: &mut [u8],
        now_ticks: u64,
    ) -> Result<Option<usize>, Full> {
        if self.hello_due {
            self.hello_due = false;
            let header = Header::new(Kind::HelloAck, self.session, 0, 0);
            return after_zero(out, |out| write_message(out, header, &self.info, &[])).map(Some);
        }
        if core::mem::take(&mut self.start_due) {
            let header = Header::new(Kind::Error, 0, 0, 0);
            let error = self.started();
            return after_zero(out, |out| write_message(out, header, &error, &[])).map(Some);
        }
        if let Some((session, error)) = self.error_due.take() {
            let header = Header::new(Kind::Error, session, 0, 0);
            return after_zero(out, |out| write_message(out, header, &error, &[])).map(Some);
        }
        if self.bye_due != 0 {
            let session = core::mem::take(&mut self.bye_due);
            return FrameWriter::new(out, Header::new(Kind::Bye, session, 0, 0))?
                .finish()
                .map(Some);
        }
        if let Some((token, received_ticks)) = self.pong_due.take() {
            let ReceiveLosses { overruns, ring_overflows } = self.losses;
            let sent_ticks = now_ticks;
            let pong = Pong { token, received_ticks, sent_ticks, overruns, ring_overflows };
            return write_message(out, Header::new(Kind::Pong, self.session, 0, 0), &pong, &[])
                .map(Some);
        }
        let due = match self.reply {
            Reply::None => None,
            _ => self.send.to_send(self.reply_end()),
        };
        // A fresh answer goes out before an acknowledgement: it is what the host waits for.
        let fresh = due == Some(self.reply_first) && self.send.next() == self.reply_first;
        if self.ack_due && !fresh {
            return self.transmit_ack(out).map(Some);
        }
        match due {
            Some(seq) => {
                let len = self.transmit_reply(out, seq, now_ticks)?;
                self.send.sent(seq, len);
                Ok(Some(len))
            }
            None => Ok(None),
        }
    }

    pub(super) fn transmit_ack(&mut self, out: &mut [u8]) -> Result<usize, Full> {
        self.ack_due = false;
        self.unacknowledged = (0, 0);
        let loaded =
            matches!(self.block_state, BlockState::Received { .. } | BlockState::Seeding { .. });
        let mut flags = 0;
        if core::mem::take(&mut self.gap) {
            flags |= ACK_GAP;
        }
        if self.ready_to_run() {
            flags |= ACK_BUSY;
        }
        if self.send.is_open() {
            flags |= ACK_OPEN;
        }
        let ack = Ack {
            next: self.receive.next(),
            received: self.receive.received(),
            credit: if loaded { 0 } else { self.info.rx_bytes },
            mark: self.send.mark(),
            heard: self.heard,
            damaged: self.damaged,
            blocks: self.blocks,
            flags,
        };
        write_message(out, Header::new(Kind::Ack, self.session, 0, 0), &ack, &[])
    }

    pub(super) fn transmit_reply(
        &mut self,
        out: &mut [u8],
        seq: u16,
        now_ticks: u64,
    ) -> Result<usize, Full> {
        let index = seq.wrapping_sub(self.reply_first);
        let session = self.session;
        match &mut self.reply {
            Reply::None => Err(Full),
            Reply::Configured(configured) => {
                write_message(out, Header::new(Kind::Configured, session, seq, 0), configured, &[])
            }
            Reply::Seeded(result) => {
                write_message(out, Header::new(Kind::SeededResult, session, seq, 0), result, &[])
            }
            Reply::Refused { block, error } => {
                write_message(out, Header::new(Kind::Refused, session, seq, *block), error, &[])
            }
            Reply::Result { block, end, .. } if index + 1 == self.reply_frames => {
                end.sent_ticks = now_ticks;
                write_message(out, Header::new(Kind::ResultEnd, session, seq, *block), end, &[])
            }
            Reply::Result { block, head, end } => {
                let Some(active) = self.active else { return Err(Full) };
                let range = fragment_range(*head, active.output, index);
                let samples = self.engine.output().get(range).unwrap_or(&[]);
                if index > 0 {
                    let header = Header::new(Kind::ResultMore, session, seq, *block);
                    return write_samples(FrameWriter::new(out, header)?, active.output, samples);
                }
                if end.transmit_ticks == 0 {
                    end.transmit_ticks = now_ticks;
                }
                let header = Header::new(Kind::Result, session, seq, *block);
                let mut writer = FrameWriter::new(out, header)?;
                write_postcard(&mut writer, head)?;
                write_samples(writer, active.output, samples)
            }
        }
    }
}
