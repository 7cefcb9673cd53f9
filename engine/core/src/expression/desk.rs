//! What is remembered of expressions while one thing is worked on: their parsed forms, since the
//! same sources are asked for again and again, and how much evaluating them has cost so far.

use super::{Read, SourceFault, Use, bounds, reads};
use crate::limits::EXPRESSION_BYTES;
use cel::{Context, Program, common::ast::Expr};
use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    mem,
    rc::Rc,
};

/// What the deepest expression within the limits needs in a debug build, and as much again.
const STACK_BYTES: usize = 64 * 1024 * 1024;
/// With as much left, there is no need for another stack.
const ROOM_BYTES: usize = 40 * 1024 * 1024;
/// All evaluations of one thing, by an estimate that is never too low: about a tenth of a second.
const WORK: u64 = 512 * 1024 * 1024;

thread_local! {
    static DESK: RefCell<Option<Desk>> = const { RefCell::new(None) };
}

struct Desk {
    parsed: HashMap<Box<str>, Rc<Parsed>>,
    /// The sources of these.
    bytes: usize,
    /// What evaluations may still cost.
    work: u64,
    /// Every function of the language; making one costs more than most evaluations.
    functions: Rc<Context<'static, 'static>>,
}

/// The parsed form of a source, and what was found out of it.
pub(super) struct Parsed {
    program: Program,
    as_value: OnceCell<Result<(), SourceFault>>,
    as_condition: OnceCell<Result<(), SourceFault>>,
    reads: OnceCell<Vec<Read>>,
}

impl Parsed {
    pub(super) fn new(program: Program) -> Parsed {
        let (as_value, as_condition) = (OnceCell::new(), OnceCell::new());
        Parsed { program, as_value, as_condition, reads: OnceCell::new() }
    }

    pub(super) fn program(&self) -> &Program {
        &self.program
    }

    pub(super) fn expression(&self) -> &Expr {
        &self.program.expression().expr
    }

    /// Whether it is within the limits.
    pub(super) fn check(&self, usage: Use) -> Result<(), SourceFault> {
        let checked = match usage {
            Use::Value => &self.as_value,
            Use::Condition => &self.as_condition,
        };
        checked.get_or_init(|| bounds::check(self.expression(), usage)).clone()
    }

    pub(super) fn reads(&self) -> &[Read] {
        self.reads.get_or_init(|| reads::of(self.expression()))
    }
}

/// Does `work` while expressions are remembered: each is parsed once, and what all evaluations
/// together may cost is bounded. Within another one it remembers with that, and has a bound of its
/// own.
pub fn remembering<T>(work: impl FnOnce() -> T) -> T {
    roomy(|| {
        let _around = Around::put(WORK);
        work()
    })
}

/// On a stack that is large enough for parsing, walking and dropping an expression.
pub(super) fn roomy<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(ROOM_BYTES, STACK_BYTES, work)
}

/// What was there before, put back at the end.
enum Around {
    Nothing,
    Work(u64),
}

impl Around {
    fn put(work: u64) -> Around {
        DESK.with_borrow_mut(|desk| match desk {
            Some(desk) => Around::Work(mem::replace(&mut desk.work, work)),
            None => {
                let functions = Rc::default();
                *desk = Some(Desk { parsed: HashMap::new(), bytes: 0, work, functions });
                Around::Nothing
            }
        })
    }
}

impl Drop for Around {
    fn drop(&mut self) {
        DESK.with_borrow_mut(|desk| match (self, desk.as_mut()) {
            (Around::Work(before), Some(desk)) => desk.work = *before,
            (Around::Work(_) | Around::Nothing, _) => *desk = None,
        });
    }
}

/// The parsed form of `source`, as it is remembered or as `parse` makes it.
pub(super) fn parsed(
    source: &str,
    parse: impl FnOnce() -> Result<Parsed, SourceFault>,
) -> Result<Rc<Parsed>, SourceFault> {
    let known = DESK.with_borrow(|desk| desk.as_ref()?.parsed.get(source).cloned());
    if let Some(known) = known {
        return Ok(known);
    }
    let parsed = Rc::new(parse()?);
    DESK.with_borrow_mut(|desk| {
        let Some(desk) = desk.as_mut() else { return };
        // The sources of one file fit; whoever has others to look at looks at them as they come.
        if desk.bytes + source.len() <= EXPRESSION_BYTES {
            desk.bytes += source.len();
            desk.parsed.insert(source.into(), Rc::clone(&parsed));
        }
    });
    Ok(parsed)
}

/// What an evaluation adds its values to.
pub(super) fn functions() -> Rc<Context<'static, 'static>> {
    let known = DESK.with_borrow(|desk| Some(Rc::clone(&desk.as_ref()?.functions)));
    known.unwrap_or_default()
}

/// Takes from what evaluations may still cost.
pub(super) fn spend(work: u64) -> Result<(), SourceFault> {
    DESK.with_borrow_mut(|desk| {
        let Some(desk) = desk.as_mut() else { return Ok(()) };
        let left = desk.work.checked_sub(work);
        desk.work = left.unwrap_or_default();
        left.map(drop).ok_or_else(|| SourceFault {
            message: "all expressions together would take too long over these values".to_owned(),
            help: None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{super::evaluate, WORK, remembering, spend};
    use serde_json::Map;

    #[test]
    fn evaluations_share_a_bound_which_each_piece_of_work_has_anew() {
        remembering(|| {
            spend(WORK).unwrap();
            assert!(spend(1).is_err());
            assert!(evaluate("1 + 1", &Map::new()).is_err());
            remembering(|| spend(WORK).unwrap());
            assert!(spend(1).is_err(), "what is within has its own");
        });
        assert!(remembering(|| evaluate("1 + 1", &Map::new())).is_ok());
    }
}
