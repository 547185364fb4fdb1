//! The search: geometric growth until a value does not hold, then bisection.

/// How long a value is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Long enough to see that it does not hold.
    Short,
    /// Long enough to say that it holds.
    Full,
}

/// The values there are, from the one that asks least of the device to the one that asks most;
/// `hardest` is below `easiest` when less is harder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Asks least.
    pub easiest: u64,
    /// Asks most.
    pub hardest: u64,
}

/// Where the search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The hardest value that held for the full length; none when not even the easiest did.
    pub holds: Option<u64>,
    /// The easiest that did not hold; none when the hardest there is did.
    pub fails: Option<u64>,
}

/// Searches `range` from `start` for the hardest value that `holds`, to a share of `tolerance`
/// between it and the easiest that does not, or to neighbouring values.
///
/// # Errors
/// The first error of `holds`.
pub fn search<E>(
    range: Range,
    start: u64,
    tolerance: f64,
    mut holds: impl FnMut(u64, Length) -> Result<bool, E>,
) -> Result<Found, E> {
    let mut at = start.clamp(range.easiest.min(range.hardest), range.easiest.max(range.hardest));
    let (good, mut bad);
    if holds(at, Length::Short)? {
        bad = None;
        while at != range.hardest {
            let next = range.harder(at, 2.0);
            if !holds(next, Length::Short)? {
                bad = Some(next);
                break;
            }
            at = next;
        }
        good = at;
    } else {
        loop {
            if at == range.easiest {
                return Ok(Found { holds: None, fails: Some(at) });
            }
            let next = range.easier(at, 2.0);
            bad = Some(at);
            at = next;
            if holds(next, Length::Short)? {
                break;
            }
        }
        good = at;
    }
    let good = bisect(good, &mut bad, tolerance, |value| holds(value, Length::Short))?;
    if holds(good, Length::Full)? {
        return Ok(Found { holds: Some(good), fails: bad });
    }
    // What a short trial did not see: away from there in growing steps, past what short trials
    // refuse now that the full ones have told more.
    let (mut at, mut step) = (good, 1.0 + tolerance.max(0.005));
    loop {
        bad = Some(at);
        if at == range.easiest {
            return Ok(Found { holds: None, fails: bad });
        }
        at = range.easier(at, step);
        let mut learned = false;
        while at != range.easiest && !holds(at, Length::Short)? {
            learned = true;
            bad = Some(at);
            step *= step;
            at = range.easier(at, step);
        }
        if learned {
            step = 1.0 + tolerance.max(0.005);
            at = bisect(at, &mut bad, tolerance, |value| holds(value, Length::Short))?;
        }
        if holds(at, Length::Full)? {
            break;
        }
        step *= step;
    }
    let good = bisect(at, &mut bad, tolerance, |value| holds(value, Length::Full))?;
    Ok(Found { holds: Some(good), fails: bad })
}

/// Halves the way from `good`, which holds, to `bad`, which does not, until they are near.
fn bisect<E>(
    mut good: u64,
    bad: &mut Option<u64>,
    tolerance: f64,
    mut holds: impl FnMut(u64) -> Result<bool, E>,
) -> Result<u64, E> {
    while let Some(beyond) = *bad {
        let near = (tolerance * good.min(beyond) as f64).max(1.0);
        if good.abs_diff(beyond) as f64 <= near {
            break;
        }
        let middle = good.midpoint(beyond);
        if holds(middle)? { good = middle } else { *bad = Some(middle) }
    }
    Ok(good)
}

impl Range {
    /// `factor` (above 1) times as hard as `value`, at least by one, at most the hardest.
    fn harder(self, value: u64, factor: f64) -> u64 {
        step(value, self.hardest, factor)
    }

    /// The same towards the easiest.
    fn easier(self, value: u64, factor: f64) -> u64 {
        step(value, self.easiest, factor)
    }
}

fn step(value: u64, end: u64, factor: f64) -> u64 {
    if end > value {
        ((value as f64 * factor) as u64).max(value.saturating_add(1)).min(end)
    } else {
        ((value as f64 / factor).ceil() as u64).min(value.saturating_sub(1)).max(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every limit from every start is found, within the tolerance, whichever way is harder.
    #[test]
    fn the_limit_is_found_from_everywhere() {
        for (easiest, hardest) in [(1, 1000), (1000, 1)] {
            let range = Range { easiest, hardest };
            let up = hardest > easiest;
            for limit in (1..=1000).step_by(37).chain([1000]) {
                for start in [1, 2, 30, 500, 1000] {
                    for tolerance in [0.0, 0.02] {
                        let mut asked = 0;
                        let found = search::<()>(range, start, tolerance, |value, _| {
                            asked += 1;
                            assert!((1..=1000).contains(&value));
                            Ok(if up { value <= limit } else { value >= limit })
                        })
                        .unwrap();
                        let (good, bad) = (found.holds.unwrap(), found.fails);
                        assert!(asked < 32, "{asked} trials");
                        assert!(if up { good <= limit } else { good >= limit });
                        let Some(bad) = bad else {
                            assert_eq!((good, limit), (hardest, hardest));
                            continue;
                        };
                        assert!(if up { bad > limit } else { bad < limit });
                        let near = (tolerance * good.min(bad) as f64).max(1.0);
                        assert!(good.abs_diff(bad) as f64 <= near, "{good} {bad}");
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_holds_and_short_trials_may_be_wrong() {
        let range = Range { easiest: 1, hardest: 4096 };
        let none = search::<()>(range, 64, 0.02, |_, _| Ok(false)).unwrap();
        assert_eq!(none, Found { holds: None, fails: Some(1) });
        // In short trials 1000 hold, in full ones 700.
        let limit = |length| if length == Length::Short { 1000 } else { 700 };
        let found = search::<()>(range, 64, 0.02, |value, length| Ok(value <= limit(length)));
        let Found { holds: Some(good), fails: Some(bad) } = found.unwrap() else { panic!() };
        assert!(good <= 700 && bad > 700 && bad - good <= 14, "{good} {bad}");
        // Once a full trial has failed, short ones know what it has told: one more full trial is
        // enough.
        let (mut full, mut learned) = (0, false);
        let found = search::<()>(range, 64, 0.02, |value, length| {
            full += u32::from(length == Length::Full);
            let limit = if length == Length::Full || learned { 700 } else { 1000 };
            learned |= length == Length::Full;
            Ok(value <= limit)
        });
        let Found { holds: Some(good), fails: Some(bad) } = found.unwrap() else { panic!() };
        assert!(good <= 700 && bad > 700 && bad - good <= 14 && full == 2, "{good} {bad} {full}");
        search(range, 64, 0.02, |_, _| Err("gone")).unwrap_err();
    }
}
