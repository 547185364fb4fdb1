//! The host session's receiving half: frames in, events out.

use super::*;

/// Most frames that one acknowledgement answers for.
const ACK_FRAMES: u16 = 8;

impl<F: AsRef<[f32]> + AsMut<[f32]>> Core<F> {
    pub(super) fn damaged(&mut self) {
        self.stats.damaged_here += 1;
        if self.phase == Phase::Open {
            self.quality.damaged(1);
            self.gap = true;
            self.ack_due = true;
        }
    }

    pub(super) fn frame(&mut self, header: Header, payload: &[u8], now_ns: u64) {
        let opening = matches!(self.phase, Phase::Opening { .. });
        if header.session == 0 && !opening && header.kind == Kind::Error as u8 {
            // A device tells that it has started: not within this session, unless it was reset.
            return match postcard::from_bytes::<ErrorInfo>(payload) {
                Ok(error) if error.code == ErrorCode::NoSession => self.device_error(error),
                _ => {}
            };
        }
        if header.session != self.session || self.phase == Phase::Over {
            return; // what is left of an earlier session
        }
        let Some(kind) = Kind::from_code(header.kind) else {
            return self.fail(Failure::Protocol("a frame of an unknown kind"));
        };
        self.last_frame_ns = now_ns;
        self.stats.frames_received += 1;
        if kind == Kind::HelloAck {
            return self.hello_ack(payload, now_ns);
        }
        if opening && kind != Kind::Error {
            return;
        }
        match kind {
            Kind::Ack => match postcard::from_bytes::<Ack>(payload) {
                Ok(ack) => self.acknowledged(ack, now_ns),
                Err(_) => self.fail(Failure::Schema),
            },
            Kind::Pong => match postcard::from_bytes::<Pong>(payload) {
                Ok(pong) => self.pong(pong, now_ns),
                Err(_) => self.fail(Failure::Schema),
            },
            Kind::Error => match postcard::from_bytes::<ErrorInfo>(payload) {
                Ok(error) => self.device_error(error),
                Err(_) => self.fail(Failure::Schema),
            },
            Kind::Bye => self.ended(),
            Kind::Configured
            | Kind::Result
            | Kind::ResultMore
            | Kind::ResultEnd
            | Kind::SeededResult
            | Kind::Refused => self.sequenced(kind, header, payload, now_ns),
            _ => self.fail(Failure::Protocol("a frame that only a host sends")),
        }
    }

    pub(super) fn hello_ack(&mut self, payload: &[u8], now_ns: u64) {
        let (&[device_min, device_max, ..], parsed) =
            (payload, postcard::from_bytes::<DeviceInfo>(payload))
        else {
            return self.fail(Failure::Schema);
        };
        if device_max < WIRE_VERSION_MIN || device_min > WIRE_VERSION {
            return self.fail(Failure::WireVersion { device_min, device_max });
        }
        let Ok(info) = parsed else { return self.fail(Failure::Schema) };
        if info.schema != SCHEMA_HASH {
            return self.fail(Failure::Schema);
        }
        if let Some(known) = &self.info {
            if known.boot_count != info.boot_count {
                self.fail(Failure::Reset);
            }
            return;
        }
        self.credit = info.rx_bytes;
        self.info = Some(info);
        self.phase = Phase::Open;
        self.progress(now_ns);
        self.event(HostEvent::Connected);
    }

    pub(super) fn device_error(&mut self, error: ErrorInfo) {
        self.fail(match error.code {
            ErrorCode::NoSession if self.phase == Phase::Closing => return self.ended(),
            ErrorCode::NoSession if error.text.is_empty() => Failure::Reset,
            ErrorCode::NoSession => Failure::Crashed { text: error.text, place: error.b },
            ErrorCode::OtherSession => Failure::TakenOver,
            _ => Failure::Device(error),
        });
    }

    pub(super) fn ended(&mut self) {
        if self.phase == Phase::Closing {
            self.phase = Phase::Over;
            self.event(HostEvent::Ended);
        } else {
            self.fail(Failure::Protocol("the device ended the session by itself"));
        }
    }

    pub(super) fn acknowledged(&mut self, ack: Ack, now_ns: u64) {
        let news = self.send.acknowledged(ack.next, ack.received);
        self.send.heard(ack.heard);
        self.heard = self.heard.max(ack.mark);
        if news || ack.blocks != self.blocks {
            self.progress(now_ns);
        }
        let answers_poll = self.poll_mark.is_some_and(|mark| ack.heard >= mark);
        if answers_poll {
            self.poll_mark = None;
        }
        while self.polls.front().is_some_and(|asked| asked.number <= ack.heard) {
            // Of one that something else has overtaken it is not known when it was heard.
            if let Some(asked) = self.polls.pop_front()
                && asked.number == ack.heard
            {
                self.round_trip.measured(now_ns.saturating_sub(asked.sent_ns));
            }
        }
        self.credit = ack.credit;
        let busy = ack.flags & ACK_BUSY != 0;
        let same_block = ack.blocks == self.blocks;
        self.busy_since_ns = match self.busy_since_ns {
            since @ Some(_) if busy && same_block => since,
            _ => busy.then_some(now_ns),
        };
        self.blocks = ack.blocks;
        let damaged_since = ack.damaged.wrapping_sub(self.stats.damaged_at_device);
        self.quality.damaged(u64::from(damaged_since));
        self.stats.damaged_at_device = ack.damaged;
        // Frames of its answer are missing at one of the two ends: say what has arrived, and that
        // all before this has.
        self.ack_due |= answers_poll && ack.flags & ACK_OPEN != 0;
        // A gap shows by itself when a later frame was kept. When none was, or none follows,
        // ask: the answer tells which frames are lost.
        let hidden = ack.received == 0 || self.send.next() == self.request_end();
        let gap = ack.flags & ACK_GAP != 0 && !answers_poll;
        if !self.delivered() && gap && hidden && self.poll_mark.is_none() {
            self.poll_due = true;
        }
    }

    pub(super) fn pong(&mut self, pong: Pong, now_ns: u64) {
        let number = u32::from(pong.token);
        let Some(&PendingRequest { sent_ns, .. }) =
            self.pings.iter().find(|asked| asked.number == number)
        else {
            return;
        };
        self.round_trip.measured(now_ns.saturating_sub(sent_ns));
        if !core::mem::take(&mut self.ping_awaited) {
            return; // the answer to one that was repeated
        }
        while self.pings.pop_front().is_some_and(|asked| asked.number != number) {}
        self.progress(now_ns);
        self.stats.device_losses =
            ReceiveLosses { overruns: pong.overruns, ring_overflows: pong.ring_overflows };
        self.event(HostEvent::Pong(ClockSample {
            sent_ns,
            received_ns: now_ns,
            device_received_ticks: pong.received_ticks,
            device_sent_ticks: pong.sent_ticks,
        }));
    }

    pub(super) fn sequenced(&mut self, kind: Kind, header: Header, payload: &[u8], now_ns: u64) {
        self.busy_since_ns = None;
        match self.receive.classify(header.seq) {
            Arrival::Duplicate => {
                self.ack_due = true;
                self.stats.duplicates += 1;
            }
            Arrival::TooFar => {
                self.ack_due = true;
                self.gap = true;
            }
            Arrival::Ahead(_) => {
                self.ack_due = true;
                self.gap = true;
                if kind == Kind::ResultMore && self.place_more(header, payload) {
                    self.receive.accept(header.seq);
                    self.progress(now_ns);
                }
            }
            Arrival::Expected => {
                if self.events.is_full() {
                    self.ack_due = true;
                    return; // taken when it is sent again
                }
                if kind != Kind::ResultMore && kind != Kind::ResultEnd {
                    self.begins_answer();
                }
                match self.expected(kind, header, payload) {
                    Ok(()) => {
                        self.receive.accept(header.seq);
                        self.progress(now_ns);
                        // One acknowledgement for several fragments that came as they should.
                        self.unacknowledged += 1;
                        let more = matches!(kind, Kind::Result | Kind::ResultMore);
                        self.ack_due |= !more
                            || self.unacknowledged >= ACK_FRAMES
                            || self.receive.received() != 0;
                    }
                    Err(failure) => self.fail(failure),
                }
            }
        }
    }

    pub(super) fn expected(
        &mut self,
        kind: Kind,
        header: Header,
        payload: &[u8],
    ) -> Result<(), Failure> {
        let schema = |_| Failure::Schema;
        match kind {
            Kind::Configured => {
                let configured = postcard::from_bytes(payload).map_err(schema)?;
                self.answered(HostEvent::Configured(configured))
            }
            Kind::SeededResult => {
                let result = postcard::from_bytes(payload).map_err(schema)?;
                self.answered(HostEvent::Seeded(result))
            }
            Kind::Refused => {
                let error = postcard::from_bytes(payload).map_err(schema)?;
                if self.input_crcs.pop_front().is_some() {
                    self.next_result = self.next_result.wrapping_add(1);
                }
                self.answered(HostEvent::Refused { block: header.block, error })
            }
            Kind::Result => self.result(header, payload),
            Kind::ResultMore if self.place_more(header, payload) => Ok(()),
            Kind::ResultEnd => self.result_end(header, payload),
            _ => Err(Failure::Protocol("a fragment that belongs to no result")),
        }
    }

    /// The first frame of an answer: its request has arrived whole, acknowledgement or not, and
    /// the device's input buffer is free, unless something of a later request is in it.
    fn begins_answer(&mut self) {
        if self.outstanding == 1 && self.send.next() == self.request_end() {
            self.send.acknowledged(self.request_end(), 0);
            self.delivered();
        }
        let nothing_later = self.outstanding <= 1 || self.send.next() == self.request_first;
        if let (true, Some(info)) = (nothing_later, &self.info) {
            self.credit = info.rx_bytes;
        }
    }

    pub(super) fn answered(&mut self, event: HostEvent) -> Result<(), Failure> {
        if self.outstanding == 0 {
            return Err(Failure::Protocol("an answer without a request"));
        }
        self.outstanding -= 1;
        self.event(event);
        Ok(())
    }

    pub(super) fn delivered(&mut self) -> bool {
        let all = self.send.base() == self.request_end();
        if all && !matches!(self.request, Request::None) {
            self.request = Request::None;
            self.event(HostEvent::Delivered);
        }
        all
    }

    pub(super) fn result(&mut self, header: Header, payload: &[u8]) -> Result<(), Failure> {
        let Some(active) = self.active else {
            return Err(Failure::Protocol("a result without a configuration"));
        };
        let (head, samples) =
            postcard::take_from_bytes::<FragmentHead>(payload).map_err(|_| Failure::Schema)?;
        if self.incoming.is_some() || header.block != self.next_result {
            return Err(Failure::Protocol("a result out of turn"));
        }
        if head.fragment_bytes == 0 || !head.fragment_bytes.is_multiple_of(4) {
            return Err(Failure::Protocol("a result with a wrong fragment length"));
        }
        if active.output != Encoding::DigestOnly
            && head.values as usize > self.output.as_ref().len()
        {
            return Err(Failure::Protocol("a result longer than announced"));
        }
        let incoming = Incoming {
            block: header.block,
            head,
            first_seq: header.seq,
            fragments: fragments(head.values, active.output, head.fragment_bytes),
        };
        self.output_len = 0;
        if !self.place(incoming, 0, samples) {
            return Err(Failure::Protocol("a fragment of a wrong length"));
        }
        self.incoming = Some(incoming);
        Ok(())
    }

    pub(super) fn place_more(&mut self, header: Header, samples: &[u8]) -> bool {
        let Some(incoming) = self.incoming else { return false };
        let index = header.seq.wrapping_sub(incoming.first_seq);
        header.block == incoming.block
            && index > 0
            && index < incoming.fragments
            && self.place(incoming, index, samples)
    }

    pub(super) fn place(&mut self, incoming: Incoming, index: u16, samples: &[u8]) -> bool {
        let Some(active) = self.active else { return false };
        let range = fragment_range(incoming.head, active.output, index);
        let count = range.len();
        let room = self.output.as_mut().get_mut(range);
        let placed = room.is_some_and(|room| active.output.read(samples, room) == Some(count));
        if placed {
            self.stats.sample_bytes_received += samples.len() as u64;
        }
        placed
    }

    pub(super) fn result_end(&mut self, header: Header, payload: &[u8]) -> Result<(), Failure> {
        let (Some(incoming), Some(active)) = (self.incoming.take(), self.active) else {
            return Err(Failure::Protocol("the end of a result that had no beginning"));
        };
        let end: ResultEnd = postcard::from_bytes(payload).map_err(|_| Failure::Schema)?;
        let block = incoming.block;
        if header.block != block
            || header.seq != incoming.first_seq.wrapping_add(incoming.fragments)
        {
            return Err(Failure::Protocol("the end of another result"));
        }
        if self.input_crcs.pop_front() != Some(end.input_crc) {
            return Err(Failure::InputDigest { block });
        }
        if active.output != Encoding::DigestOnly {
            self.output_len = incoming.head.values as usize;
        }
        if matches!(active.output, Encoding::F32 | Encoding::Q15) {
            let mut digest = SampleDigest::new();
            digest.update(self.output.as_ref().get(..self.output_len).unwrap_or(&[]));
            if digest.finish() != end.output_crc {
                return Err(Failure::OutputDigest { block });
            }
        }
        self.next_result = self.next_result.wrapping_add(1);
        self.answered(HostEvent::Result { block, end })
    }
}
