//! What must have ended before a stage begins, known for all stages at once.

use super::Stage;
use std::collections::HashMap;

/// Looking at all stages again and again settles even rings within rings; more rounds than these
/// would only change what is told beside a ring.
const ROUNDS: usize = 8;

/// For each stage a row with a bit for each stage that it needs, however far away.
pub(super) struct Upstream<'a> {
    positions: HashMap<&'a str, usize>,
    rows: Vec<Vec<u64>>,
}

impl<'a> Upstream<'a> {
    pub(super) fn of(stages: &'a [Stage]) -> Upstream<'a> {
        let positions: HashMap<&str, usize> =
            stages.iter().enumerate().map(|(at, stage)| (stage.id.as_str(), at)).collect();
        let needs = |stage: &Stage| {
            let known = stage.needs.iter().map(|need| positions.get(need.need.stage.as_str()));
            let mut known: Vec<usize> = known.flatten().copied().collect();
            known.sort_unstable();
            known.dedup();
            known
        };
        let needs: Vec<Vec<usize>> = stages.iter().map(needs).collect();
        let rows = vec![vec![0_u64; stages.len().div_ceil(64)]; stages.len()];
        let mut upstream = Upstream { positions, rows };
        let order = inner_first(&needs);
        for _ in 0..ROUNDS {
            if !upstream.widened(&order, &needs) {
                break;
            }
        }
        upstream
    }

    /// Whether `wanted` is upstream of `stage`; of what is unknown nothing is.
    pub(super) fn has(&self, stage: &str, wanted: &str) -> bool {
        let row = self.positions.get(stage).map(|at| &self.rows[*at]);
        let wanted = self.positions.get(wanted);
        row.zip(wanted).is_some_and(|(row, at)| row[at / 64] & (1 << (at % 64)) != 0)
    }

    /// One look at all stages; whether anything came of it.
    fn widened(&mut self, order: &[usize], needs: &[Vec<usize>]) -> bool {
        let mut changed = false;
        for stage in order {
            let mut row = std::mem::take(&mut self.rows[*stage]);
            for need in &needs[*stage] {
                let bit = &mut row[need / 64];
                changed |= *bit & (1 << (need % 64)) == 0;
                *bit |= 1 << (need % 64);
                // Of a stage that needs itself the row is out at the moment, and adds nothing.
                for (word, other) in row.iter_mut().zip(&self.rows[*need]) {
                    changed |= *word | other != *word;
                    *word |= other;
                }
            }
            self.rows[*stage] = row;
        }
        changed
    }
}

/// Positions in an order in which, but for rings, each follows what it needs.
fn inner_first(needs: &[Vec<usize>]) -> Vec<usize> {
    let (mut order, mut seen) = (Vec::with_capacity(needs.len()), vec![false; needs.len()]);
    for start in 0..needs.len() {
        let mut open = vec![(start, 0)];
        while let Some((stage, next)) = open.pop() {
            if next == 0 && std::mem::replace(&mut seen[stage], true) {
                continue;
            }
            match needs[stage].get(next) {
                Some(need) => open.extend([(stage, next + 1), (*need, 0)]),
                None => order.push(stage),
            }
        }
    }
    order
}
