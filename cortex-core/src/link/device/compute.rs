//! The device session at work: blocks and seeded runs, and the answers they give.

use super::*;

impl<E: Engine> Core<E> {
    pub(super) fn ready_to_run(&self) -> bool {
        matches!(self.reply, Reply::None)
            && matches!(self.block_state, BlockState::Received { .. } | BlockState::Seeding { .. })
    }

    pub(super) fn run(&mut self, clock: &mut dyn FnMut() -> u64) {
        if !self.ready_to_run() {
            return;
        }
        match self.block_state {
            BlockState::Received { block, values, fragment_bytes, input_ticks } => {
                self.block_state = BlockState::Empty;
                let head = FragmentHead { values, fragment_bytes };
                self.run_block(block, head, input_ticks, clock);
            }
            BlockState::Seeding { block, .. } => self.run_seeded(block, clock),
            BlockState::Empty | BlockState::Receiving { .. } => {}
        }
    }

    // Neither of the two is inlined: what each takes of a microcontroller's stack, the other
    // has to itself.
    #[inline(never)]
    pub(super) fn run_block(
        &mut self,
        block: u32,
        head: FragmentHead,
        input_ticks: u64,
        clock: &mut dyn FnMut() -> u64,
    ) {
        self.next_block = block.wrapping_add(1);
        let values = head.values as usize;
        let input_crc = digest_of(self.engine.input().get(..values).unwrap_or(&[]));
        let run = self.engine.run(values, clock);
        self.executed += 1;
        self.blocks = self.blocks.wrapping_add(1);
        let (Ok(run), Some(active)) = (&run, self.active) else {
            let error = run.err().unwrap_or_else(|| ErrorInfo::new(ErrorCode::NotConfigured, 0, 0));
            return self.answer(Reply::Refused { block, error }, 1);
        };
        let output = self.engine.output();
        let end = ResultEnd {
            input_ticks,
            start_ticks: run.start_ticks,
            end_ticks: run.end_ticks,
            transmit_ticks: 0,
            sent_ticks: 0,
            input_crc,
            output_crc: digest_of(output),
            saturated: active.output.count_saturated(output),
        };
        let head = FragmentHead { values: saturating_u32(output.len()), ..head };
        let frames = fragments(head.values, active.output, head.fragment_bytes) + 1;
        self.answer(Reply::Result { block, head, end }, frames);
    }

    #[inline(never)]
    pub(super) fn run_seeded(&mut self, block: u32, clock: &mut dyn FnMut() -> u64) {
        let values = self.active.map_or(0, |active| active.block_values(block)) as usize;
        let Self {
            engine,
            block_state: BlockState::Seeding { block: next, input, output, sums },
            ..
        } = self
        else {
            return;
        };
        let reported = block >= sums.first;
        let begun = clock();
        let generated = engine.generate(values);
        let generate_ticks = clock().wrapping_sub(begun);
        if reported && generated.is_ok() {
            input.update(engine.input().get(..values).unwrap_or(&[]));
        }
        let run = generated.and_then(|()| engine.run(values, clock));
        self.executed += 1;
        self.blocks = self.blocks.wrapping_add(1);
        let run = match run {
            Ok(run) => run,
            Err(error) => {
                self.block_state = BlockState::Empty;
                return self.answer(Reply::Refused { block, error }, 1);
            }
        };
        if reported {
            output.update(engine.output());
            let ticks = run.end_ticks.wrapping_sub(run.start_ticks);
            sums.min_ticks = sums.min_ticks.min(ticks);
            sums.max_ticks = sums.max_ticks.max(ticks);
            sums.sum_ticks = sums.sum_ticks.wrapping_add(ticks);
            sums.generate_ticks = sums.generate_ticks.wrapping_add(generate_ticks);
        }
        *next = block.wrapping_add(1);
        if *next == sums.first.wrapping_add(sums.count) {
            sums.input_crc = input.finish();
            sums.output_crc = output.finish();
            let result = *sums;
            self.block_state = BlockState::Empty;
            self.answer(Reply::Seeded(result), 1);
        }
    }

    pub(super) fn answer(&mut self, reply: Reply, frames: u16) {
        self.unacknowledged = (0, 0);
        self.reply = reply;
        self.reply_first = self.send.next();
        self.reply_frames = frames;
    }

    pub(super) fn reply_end(&self) -> u16 {
        self.reply_first.wrapping_add(self.reply_frames)
    }
}

fn digest_of(samples: &[f32]) -> u32 {
    let mut digest = SampleDigest::new();
    digest.update(samples);
    digest.finish()
}
