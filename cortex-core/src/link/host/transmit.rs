//! The host session's transmitting half: what is due, as frames.

use super::*;

impl<F: AsRef<[f32]> + AsMut<[f32]>> Core<F> {
    pub(super) fn handed_over(&mut self, len: usize, now_ns: u64) {
        self.stats.line_bytes_sent += len as u64;
        self.stats.frames_sent += 1;
        self.quality.crossed(len as u64);
        let begin = self.line_free_ns.max(now_ns);
        self.line_free_ns = begin.saturating_add(self.options.byte_ns.saturating_mul(len as u64));
    }

    pub(super) fn transmit(&mut self, out: &mut [u8], now_ns: u64) -> Result<Option<usize>, Full> {
        match self.phase {
            Phase::Over => return Ok(None),
            Phase::Opening { .. } => {
                if now_ns < self.hello_next_ns {
                    return Ok(None);
                }
                self.hello_next_ns = now_ns + self.hello_interval_ns();
                self.hellos += 1;
                let hello = Hello {
                    wire_min: WIRE_VERSION_MIN,
                    wire_max: WIRE_VERSION,
                    schema: SCHEMA_HASH,
                };
                let header = Header::new(Kind::Hello, self.session, 0, 0);
                return after_zero(out, |out| write_message(out, header, &hello, &[])).map(Some);
            }
            Phase::Closing => {
                if !core::mem::take(&mut self.bye_due) {
                    return Ok(None);
                }
                let header = Header::new(Kind::Bye, self.session, 0, 0);
                return after_zero(out, |out| FrameWriter::new(out, header)?.finish()).map(Some);
            }
            Phase::Open => {}
        }
        if core::mem::take(&mut self.poll_due) {
            return self.transmit_poll(out, now_ns).map(Some);
        }
        if core::mem::take(&mut self.ping_due) {
            return self.transmit_ping(out, now_ns).map(Some);
        }
        if core::mem::take(&mut self.ack_due) {
            return self.transmit_ack(out, 0).map(Some);
        }
        if matches!(self.request, Request::None) {
            return Ok(None);
        }
        let Some(seq) = self.send.to_send(self.request_end()) else {
            return Ok(None);
        };
        if self.send.bytes_on_the_way() + self.longest_frame_bytes() > self.credit {
            return Ok(None);
        }
        let len = self.transmit_request(out, seq)?;
        self.send.sent(seq, len);
        let line_ns = self.options.byte_ns.saturating_mul(len as u64);
        self.data_free_ns = self.line_free_ns.max(now_ns).saturating_add(line_ns);
        Ok(Some(len))
    }

    /// An upper bound of the next frame's length on the line.
    pub(super) fn longest_frame_bytes(&self) -> u32 {
        let payload = match &self.request {
            Request::Block { head, .. } => FRAGMENT_HEAD_BYTES + usize::from(head.fragment_bytes),
            Request::Message { len, .. } => *len,
            Request::None => 0,
        };
        u32::try_from(wire_len(HEADER_BYTES + payload + CRC_BYTES)).unwrap_or(u32::MAX)
    }

    pub(super) fn transmit_poll(&mut self, out: &mut [u8], now_ns: u64) -> Result<usize, Full> {
        self.stats.polls += 1;
        self.polls_in_a_row = self.polls_in_a_row.saturating_add(1);
        if self.ping_awaited {
            return self.transmit_ping(out, now_ns);
        }
        let len = after_zero(out, |out| self.transmit_ack(out, ACK_POLL))?;
        let mark = self.send.last_mark();
        self.poll_mark = Some(mark);
        note(&mut self.polls, mark, now_ns);
        Ok(len)
    }

    pub(super) fn transmit_ping(&mut self, out: &mut [u8], now_ns: u64) -> Result<usize, Full> {
        self.ping_token = self.ping_token.wrapping_add(1);
        self.ping_awaited = true;
        note(&mut self.pings, u32::from(self.ping_token), now_ns);
        let ping = Ping { token: self.ping_token };
        after_zero(out, |out| {
            write_message(out, Header::new(Kind::Ping, self.session, 0, 0), &ping, &[])
        })
    }

    pub(super) fn transmit_ack(&mut self, out: &mut [u8], mut flags: u8) -> Result<usize, Full> {
        self.ack_due = false;
        self.unacknowledged = 0;
        if core::mem::take(&mut self.gap) {
            flags |= ACK_GAP;
        }
        let ack = Ack {
            next: self.receive.next(),
            received: self.receive.received(),
            credit: 0, // a device needs none
            mark: self.send.mark(),
            heard: self.heard,
            damaged: (self.stats.damaged_here & 0xFFFF) as u16,
            blocks: 0, // a device's
            flags,
        };
        write_message(out, Header::new(Kind::Ack, self.session, 0, 0), &ack, &[])
    }

    pub(super) fn transmit_request(&mut self, out: &mut [u8], seq: u16) -> Result<usize, Full> {
        let index = seq.wrapping_sub(self.request_first);
        match &self.request {
            Request::None => Err(Full),
            Request::Message { kind, bytes, len } => {
                let mut writer = FrameWriter::new(out, Header::new(*kind, self.session, seq, 0))?;
                writer.write(bytes.get(..*len).unwrap_or(&[]))?;
                writer.finish()
            }
            Request::Block { block, head } => {
                let Some(active) = self.active else { return Err(Full) };
                let range = fragment_range(*head, active.input, index);
                let samples = self.input.as_ref().get(range).unwrap_or(&[]);
                let kind = if index == 0 { Kind::Block } else { Kind::BlockMore };
                let header = Header::new(kind, self.session, seq, *block);
                let mut writer = FrameWriter::new(out, header)?;
                if index == 0 {
                    write_postcard(&mut writer, head)?;
                }
                write_samples(writer, active.input, samples)
            }
        }
    }
}
