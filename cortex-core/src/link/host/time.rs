//! The host session's clock: when to poll, when to give up, what happened.

use super::*;

impl<F: AsRef<[f32]> + AsMut<[f32]>> Core<F> {
    pub(super) fn awaiting(&self) -> bool {
        self.outstanding > 0 || self.ping_awaited || !matches!(self.request, Request::None)
    }

    /// When the line went quiet: the last byte in either direction.
    pub(super) fn quiet_since_ns(&self) -> u64 {
        self.last_byte_ns.max(self.line_free_ns)
    }

    /// How long to wait for an answer before asking for the first time.
    fn patience_ns(&self) -> u64 {
        let HostOptions { poll_interval_ns, poll_least_ns, poll_most_ns, .. } = self.options;
        self.round_trip
            .patience_ns(poll_least_ns)
            .map_or(poll_interval_ns, |patience| patience.min(poll_most_ns))
    }

    fn backed_off_ns(&self, interval_ns: u64, times: u32) -> u64 {
        let most = self.options.interval_limit_ns.max(interval_ns);
        (interval_ns << times.min(8)).min(most)
    }

    pub(super) fn poll_interval_ns(&self) -> u64 {
        if self.busy_since_ns.is_some() {
            return self.options.busy_interval_ns.max(self.patience_ns());
        }
        self.backed_off_ns(self.patience_ns(), self.polls_in_a_row)
    }

    pub(super) fn hello_interval_ns(&self) -> u64 {
        // Two at the first interval: what is sent before an emulator sees the opening is lost.
        self.backed_off_ns(self.options.hello_interval_ns, self.hellos.saturating_sub(2))
    }

    /// Something moved on.
    pub(super) fn progress(&mut self, now_ns: u64) {
        self.last_progress_ns = now_ns;
        self.polls_in_a_row = 0;
    }

    pub(super) fn waiting(&self, now_ns: u64) -> Option<Waiting> {
        let since = self.waiting_since_ns.filter(|_| self.awaiting())?;
        let begin = since.max(self.last_progress_ns).max(self.data_free_ns);
        Some(Waiting {
            for_ns: now_ns.saturating_sub(begin),
            busy: self.busy_since_ns.is_some(),
            blocks: self.blocks,
        })
    }

    pub(super) fn deadline(&self, now_ns: u64) -> Option<u64> {
        match self.phase {
            Phase::Over => None,
            Phase::Opening { .. } => Some(self.hello_next_ns),
            Phase::Closing => Some(self.quiet_since_ns() + self.patience_ns()),
            Phase::Open if self.awaiting() => {
                let poll = self.quiet_since_ns() + self.poll_interval_ns();
                Some(poll.max(now_ns + 1))
            }
            Phase::Open => None,
        }
    }

    /// Looks at the clock: what timed out becomes due or ends the session.
    pub(super) fn check_time(&mut self, now_ns: u64) {
        match self.phase {
            Phase::Over => {}
            Phase::Opening { since_ns } => {
                let since = since_ns.unwrap_or(now_ns);
                self.phase = Phase::Opening { since_ns: Some(since) };
                if now_ns.saturating_sub(since) >= self.options.hello_limit_ns {
                    let bytes = self.stats.line_bytes_received;
                    self.fail(if bytes == 0 {
                        Failure::NoAnswer
                    } else {
                        Failure::Garbage { bytes }
                    });
                }
            }
            Phase::Closing => {
                if now_ns >= self.quiet_since_ns() + self.patience_ns() {
                    if self.byes_left == 0 {
                        self.ended();
                    } else {
                        self.byes_left -= 1;
                        self.bye_due = true;
                    }
                }
            }
            Phase::Open if self.awaiting() => self.check_waiting(now_ns),
            Phase::Open => {}
        }
    }

    pub(super) fn check_waiting(&mut self, now_ns: u64) {
        let waiting_since = *self.waiting_since_ns.get_or_insert(now_ns);
        let since = |past: u64| now_ns.saturating_sub(past.max(waiting_since));
        if self.line_free_ns > now_ns {
            return; // still handing over: the device cannot have everything yet
        }
        if let Some(busy_since) = self.busy_since_ns {
            let for_ns = since(busy_since);
            if for_ns >= self.options.busy_limit_ns {
                return self.fail(Failure::Busy { for_ns });
            }
        } else {
            let silence = since(self.last_byte_ns.max(self.data_free_ns));
            if silence >= self.options.silence_limit_ns {
                return self.fail(Failure::Silent { for_ns: silence });
            }
            let standstill = since(self.last_progress_ns.max(self.data_free_ns));
            if standstill >= self.options.progress_limit_ns {
                return self.fail(self.no_progress());
            }
        }
        if now_ns >= self.quiet_since_ns() + self.poll_interval_ns() {
            self.poll_due = true;
        }
    }

    pub(super) fn no_progress(&self) -> Failure {
        Failure::NoProgress {
            damaged_at_device: self.stats.damaged_at_device,
            damaged_here: self.stats.damaged_here,
        }
    }

    pub(super) fn event(&mut self, event: HostEvent) {
        // `sequenced` leaves frames alone while the queue is full; a lost pong is asked again.
        let _ = self.events.push_back(event);
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        if self.phase != Phase::Over {
            self.phase = Phase::Over;
            self.events.clear();
            self.event(HostEvent::Failed(failure));
        }
    }

    pub(super) fn next_event(&mut self, now_ns: u64) -> Option<HostEvent> {
        if self.events.is_empty() {
            self.check_time(now_ns);
        }
        self.events.pop_front()
    }
}
