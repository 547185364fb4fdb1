//! The device session's receiving half: frames in, state changed, answers made due.

use super::*;

/// Most frames that one acknowledgement answers for.
const ACK_FRAMES: u16 = 8;
/// What part of the first credit one acknowledgement answers for at most.
const ACK_SHARE: u32 = 4;
/// Bytes of a frame beside its samples.
const FRAME_BYTES: usize = HEADER_BYTES + CRC_BYTES;
/// Most fragments of a block or result.
const MAX_FRAGMENTS: u32 = 0x7000;

impl<E: Engine> Core<E> {
    pub(super) fn damaged(&mut self, _damage: Damage) {
        if self.session != 0 {
            self.damaged = self.damaged.wrapping_add(1);
            self.gap = true;
            self.ack_due = true;
        }
    }

    #[inline(never)]
    pub(super) fn frame(&mut self, header: Header, payload: &[u8], now_ticks: u64) {
        let Some(kind) = Kind::from_code(header.kind) else {
            return self.error(header, ErrorCode::UnknownKind, u32::from(header.kind));
        };
        if kind == Kind::Hello {
            return self.hello(header, payload);
        }
        if self.session == 0 {
            return self.error(header, ErrorCode::NoSession, self.info.boot_count);
        }
        if header.session != self.session {
            return self.error(header, ErrorCode::OtherSession, self.info.boot_count);
        }
        match kind {
            Kind::Ack => match postcard::from_bytes::<Ack>(payload) {
                Ok(ack) => self.acknowledged(ack),
                Err(_) => self.error(header, ErrorCode::BadMessage, u32::from(header.kind)),
            },
            Kind::Ping => match postcard::from_bytes::<Ping>(payload) {
                Ok(ping) => self.pong_due = Some((ping.token, now_ticks)),
                Err(_) => self.error(header, ErrorCode::BadMessage, u32::from(header.kind)),
            },
            Kind::Bye => {
                self.bye_due = self.session;
                self.end_session();
            }
            Kind::Configure | Kind::Block | Kind::BlockMore | Kind::Seeded => {
                self.sequenced(kind, header, payload, now_ticks);
            }
            _ => self.error(header, ErrorCode::NotAllowed, u32::from(header.kind)),
        }
    }

    pub(super) fn hello(&mut self, header: Header, payload: &[u8]) {
        if header.session == 0 {
            return self.error(header, ErrorCode::NotAllowed, u32::from(header.kind));
        }
        // Only the frozen front of HELLO is looked at: a newer host must get an answer too.
        if payload.len() < 2 {
            return self.error(header, ErrorCode::BadMessage, u32::from(header.kind));
        }
        if header.session == self.last_session {
            // A delayed copy of the HELLO of a session that is over must not end this one.
            return self.error(header, ErrorCode::OtherSession, self.info.boot_count);
        }
        if header.session != self.session {
            self.end_session();
            self.session = header.session;
            self.start_due = false; // a host that begins is told by HELLO_ACK
        }
        self.hello_due = true;
    }

    pub(super) fn end_session(&mut self) {
        if self.session != 0 {
            self.last_session = self.session;
        }
        self.session = 0;
        self.receive = ReceiveWindow::new(0);
        self.send = SendWindow::new(0);
        self.active = None;
        self.next_block = 0;
        self.block_state = BlockState::Empty;
        self.reply = Reply::None;
        self.reply_first = 0;
        self.reply_frames = 0;
        self.hello_due = false;
        self.error_due = None;
        self.pong_due = None;
        self.ack_due = false;
        self.unacknowledged = (0, 0);
        self.gap = false;
        self.damaged = 0;
        self.heard = 0;
        self.blocks = 0;
    }

    pub(super) fn acknowledged(&mut self, ack: Ack) {
        self.send.acknowledged(ack.next, ack.received);
        self.send.heard(ack.heard);
        self.heard = self.heard.max(ack.mark);
        self.ack_due |= ack.flags & ACK_POLL != 0;
        if self.send.base() == self.reply_end() && !matches!(self.reply, Reply::None) {
            self.reply = Reply::None;
            // A whole block was waiting for this: say that computing begins.
            self.ack_due |= self.ready_to_run();
        }
    }

    pub(super) fn sequenced(&mut self, kind: Kind, header: Header, payload: &[u8], now_ticks: u64) {
        let waited_for = self.receive.next();
        match self.receive.classify(header.seq) {
            Arrival::Duplicate => {}
            Arrival::TooFar => self.gap = true,
            Arrival::Ahead(_) => {
                self.gap = true;
                if kind == Kind::BlockMore && self.place_more(header, payload) {
                    self.receive.accept(header.seq);
                }
            }
            Arrival::Expected => match kind {
                Kind::Block => self.block(header, payload),
                Kind::BlockMore => {
                    if self.place_more(header, payload) {
                        self.receive.accept(header.seq);
                    } else {
                        self.refuse(
                            header,
                            ErrorInfo::new(ErrorCode::BadMessage, u32::from(header.kind), 0),
                        );
                    }
                }
                Kind::Configure => self.configure(header, payload),
                _ => self.seeded(header, payload),
            },
        }
        // One acknowledgement for several frames that came as they should; an answer is one for
        // its request.
        let (frames, bytes) = &mut self.unacknowledged;
        *frames += 1;
        *bytes += saturating_u32(wire_len(FRAME_BYTES + payload.len()));
        let (frames, bytes) = (*frames, *bytes);
        // The credit lasts for the rest of the block: nobody waits for an acknowledgement.
        let lasts = bytes.saturating_add(self.rest_of_block()) <= self.info.rx_bytes;
        let spare = frames < ACK_FRAMES && (lasts || bytes < self.info.rx_bytes / ACK_SHARE);
        let moved_on = self.receive.next() != waited_for && self.receive.received() == 0;
        self.ack_due |= !(spare && moved_on);
        if let BlockState::Receiving { block, values, first_seq, fragments, fragment_bytes } =
            self.block_state
            && self.receive.next() == first_seq.wrapping_add(fragments)
        {
            self.block_state =
                BlockState::Received { block, values, fragment_bytes, input_ticks: now_ticks };
            self.ack_due = true;
        }
    }

    /// At most so many bytes of the block are still to come, unless some were lost.
    fn rest_of_block(&self) -> u32 {
        match self.block_state {
            BlockState::Receiving { first_seq, fragments, fragment_bytes, .. } => {
                let left = first_seq.wrapping_add(fragments).wrapping_sub(self.receive.next());
                u32::from(left)
                    * saturating_u32(wire_len(FRAME_BYTES + usize::from(fragment_bytes)))
            }
            _ => 0,
        }
    }

    /// Takes the frame and answers it with `error`, unless an answer is still on its way:
    /// then the frame is left for the host to send again.
    pub(super) fn refuse(&mut self, header: Header, mut error: ErrorInfo) {
        if matches!(self.reply, Reply::None) {
            self.receive.accept(header.seq);
            error.seq = header.seq;
            self.answer(Reply::Refused { block: header.block, error }, 1);
        }
    }

    #[inline(never)]
    pub(super) fn configure(&mut self, header: Header, payload: &[u8]) {
        if !matches!(self.reply, Reply::None) || !matches!(self.block_state, BlockState::Empty) {
            return;
        }
        let Ok(configure) = postcard::from_bytes::<Configure<'_>>(payload) else {
            let error = ErrorInfo::new(ErrorCode::BadMessage, u32::from(header.kind), 0);
            return self.refuse(header, error);
        };
        self.active = None;
        match self.try_configure(&configure) {
            Ok(configured) => {
                self.receive.accept(header.seq);
                self.next_block = 0;
                self.active = Some(Active {
                    channels: configure.channels,
                    window: configure.window,
                    hop: configure.hop,
                    input: configure.input,
                    output: configure.output,
                    output_values: configured.output_values,
                });
                self.blocks = 0;
                self.answer(Reply::Configured(configured), 1);
            }
            Err(error) => self.refuse(header, error),
        }
    }

    pub(super) fn try_configure(
        &mut self,
        configure: &Configure<'_>,
    ) -> Result<Configured, ErrorInfo> {
        if configure.input == Encoding::DigestOnly
            || !configure.input.is_valid()
            || !configure.output.is_valid()
        {
            return Err(ErrorInfo::new(ErrorCode::BadEncoding, 0, self.greatest_fragment()));
        }
        if configure.channels == 0 || configure.hop == 0 || configure.hop > configure.window {
            return Err(ErrorInfo::new(ErrorCode::BadMessage, u32::from(Kind::Configure as u8), 0));
        }
        self.engine.configure(configure)
    }

    fn greatest_fragment(&self) -> u32 {
        let room = self.info.max_frame as usize - HEADER_BYTES - CRC_BYTES - FRAGMENT_HEAD_BYTES;
        saturating_u32(room - room % 4)
    }

    /// Whether fragments of this length can be taken, and are few enough for block and result:
    /// half of the sequence numbers must tell old from new.
    fn check_fragment(&self, fragment_bytes: u16, active: &Active, values: u32) -> bool {
        let fits = fragment_bytes != 0
            && fragment_bytes.is_multiple_of(4)
            && u32::from(fragment_bytes) <= self.greatest_fragment();
        // Not 64-bit arithmetic: its division alone is 1 KB of a Cortex-M0's flash.
        fits && values.max(active.output_values) / u32::from(fragment_bytes / 4) <= MAX_FRAGMENTS
    }

    #[inline(never)]
    pub(super) fn block(&mut self, header: Header, payload: &[u8]) {
        if !matches!(self.block_state, BlockState::Empty) {
            return; // sent without credit: not taken, to be sent again
        }
        let Some(active) = self.active else {
            return self.refuse(header, ErrorInfo::new(ErrorCode::NotConfigured, 0, 0));
        };
        let Ok((head, samples)) = postcard::take_from_bytes::<FragmentHead>(payload) else {
            let error = ErrorInfo::new(ErrorCode::BadMessage, u32::from(header.kind), 0);
            return self.refuse(header, error);
        };
        if header.block != self.next_block {
            let error = ErrorInfo::new(ErrorCode::WrongBlock, self.next_block, header.block);
            return self.refuse(header, error);
        }
        let expected = active.block_values(header.block);
        if head.values != expected || expected as usize > self.engine.input().len() {
            let error = ErrorInfo::new(ErrorCode::WrongLength, expected, head.values);
            return self.refuse(header, error);
        }
        let fragment_bytes = head.fragment_bytes;
        if !self.check_fragment(fragment_bytes, &active, expected) {
            let (asked, most) = (u32::from(fragment_bytes), self.greatest_fragment());
            return self.refuse(header, ErrorInfo::new(ErrorCode::BadEncoding, asked, most));
        }
        self.block_state = BlockState::Receiving {
            block: header.block,
            values: expected,
            first_seq: header.seq,
            fragments: fragments(expected, active.input, fragment_bytes),
            fragment_bytes,
        };
        if self.place(active, 0, head, samples) {
            self.receive.accept(header.seq);
        } else {
            self.block_state = BlockState::Empty;
            self.refuse(header, ErrorInfo::new(ErrorCode::BadMessage, u32::from(header.kind), 0));
        }
    }

    /// Puts a further fragment where it belongs; false when it belongs nowhere.
    pub(super) fn place_more(&mut self, header: Header, samples: &[u8]) -> bool {
        let (
            Some(active),
            &BlockState::Receiving { block, values, first_seq, fragments, fragment_bytes },
        ) = (self.active, &self.block_state)
        else {
            return false;
        };
        let index = header.seq.wrapping_sub(first_seq);
        block == header.block
            && index > 0
            && index < fragments
            && self.place(active, index, FragmentHead { values, fragment_bytes }, samples)
    }

    pub(super) fn place(
        &mut self,
        active: Active,
        index: u16,
        head: FragmentHead,
        samples: &[u8],
    ) -> bool {
        let range = fragment_range(head, active.input, index);
        let count = range.len();
        self.engine
            .input()
            .get_mut(range)
            .is_some_and(|room| active.input.read(samples, room) == Some(count))
    }

    #[inline(never)]
    pub(super) fn seeded(&mut self, header: Header, payload: &[u8]) {
        if !matches!(self.reply, Reply::None) || !matches!(self.block_state, BlockState::Empty) {
            return;
        }
        match self.try_seeded(header, payload) {
            Ok(sums) => {
                self.receive.accept(header.seq);
                self.block_state = BlockState::Seeding {
                    block: 0,
                    input: SampleDigest::new(),
                    output: SampleDigest::new(),
                    sums,
                };
            }
            Err(error) => self.refuse(header, error),
        }
    }

    fn try_seeded(&mut self, header: Header, payload: &[u8]) -> Result<SeededResult, ErrorInfo> {
        let unreadable = ErrorInfo::new(ErrorCode::BadMessage, u32::from(header.kind), 0);
        let Ok(seeded) = postcard::from_bytes::<Seeded>(payload) else { return Err(unreadable) };
        let Some(active) = self.active else {
            return Err(ErrorInfo::new(ErrorCode::NotConfigured, 0, 0));
        };
        if seeded.count == 0 || seeded.first.checked_add(seeded.count).is_none() {
            return Err(unreadable);
        }
        let (ours, theirs) =
            (self.info.generator_digest(seeded.source.version), seeded.generator_digest);
        if ours != theirs {
            return Err(ErrorInfo::new(ErrorCode::GeneratorDiffers, ours, theirs));
        }
        self.engine.begin_seeded(&seeded.source, active.channels)?;
        Ok(SeededResult {
            first: seeded.first,
            count: seeded.count,
            min_ticks: u64::MAX,
            ..SeededResult::default()
        })
    }

    /// No session is open, because the device has started since.
    pub(super) fn started(&self) -> ErrorInfo {
        let DeviceInfo { boot_count, crash_place, .. } = self.info;
        let mut error = ErrorInfo::new(ErrorCode::NoSession, boot_count, crash_place);
        error.text.clone_from(&self.info.crash);
        error
    }

    pub(super) fn error(&mut self, header: Header, code: ErrorCode, a: u32) {
        if self.error_due.is_none() {
            let mut error = ErrorInfo::new(code, a, 0);
            if code == ErrorCode::NoSession {
                error = self.started();
            }
            error.seq = header.seq;
            self.error_due = Some((header.session, error));
        }
    }
}
