//! How large an expression may be, and what it may cost for given values.

use super::{SourceFault, Use};
use cel::common::ast::{ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use serde_json::Value;

const NODES: usize = 300;
const DEPTH: usize = 64;
const NESTING: usize = 2;
/// Elements of a list that a comprehension may build.
const BUILT: u64 = 2_000;
/// Passes through the bodies of comprehensions, nested ones multiplied.
const PASSES: u64 = 50_000;
/// Work in bytes touched, by an estimate that is never too low: some tens of milliseconds.
const WORK: u64 = 256 * 1024 * 1024;
/// Memory in bytes that one `map` may fill.
const MAPPED: u64 = 16 * 1024 * 1024;
/// Elements that are copied while lists are joined by `+`.
const JOINED: u64 = 500_000;
/// What an element of a list takes that a `map` puts into each of its elements, in bytes.
const ELEMENT: u64 = 64;
/// What looking at a node costs beside the text it may touch.
const NODE_WORK: u64 = 256;
/// A pattern that takes more, compiled, is refused.
const PATTERN_BYTES: usize = 64 * 1024;
/// One that takes less is compiled within some microseconds.
const SMALL_PATTERN_BYTES: usize = 8 * 1024;
const SMALL_PATTERN_WORK: u64 = 150_000;
const PATTERN_WORK: u64 = 16 * 1024 * 1024;
/// What an evaluation costs, however small.
const EVALUATION_WORK: u64 = 32 * 1024;

/// A node, its depth, and how many comprehensions it stands in.
struct Place<'a> {
    expression: &'a Expr,
    depth: usize,
    nesting: usize,
}

/// Refuses what is too large, whatever the values.
pub(super) fn check(root: &Expr, usage: Use) -> Result<(), SourceFault> {
    let mut open = vec![Place { expression: root, depth: 1, nesting: 0 }];
    let (mut nodes, mut maps) = (0, 0);
    while let Some(place) = open.pop() {
        nodes += 1;
        let too_large = if nodes > NODES {
            Some(format!("the expression has more than {NODES} parts"))
        } else if place.depth > DEPTH {
            Some(format!("the expression is more than {DEPTH} levels deep"))
        } else if place.nesting > NESTING {
            Some(format!("more than {NESTING} of `all`, `exists`, `filter`, `map` are nested"))
        } else {
            None
        };
        if let Some(message) = too_large {
            let help = Some("split it into several stages".to_owned());
            return Err(SourceFault { message, help });
        }
        if let Expr::Comprehension(comprehension) = place.expression
            && is_map(comprehension)
        {
            maps += 1;
            check_map(usage, maps)?;
        }
        check_pattern(place.expression)?;
        children(&place, &mut open);
    }
    Ok(())
}

/// A pattern is known before anything runs, and small: it is compiled each time it is used.
fn check_pattern(expression: &Expr) -> Result<(), SourceFault> {
    let Expr::Call(call) = expression else { return Ok(()) };
    let Some(pattern) = call.args.last().filter(|_| call.func_name == "matches") else {
        return Ok(());
    };
    let Expr::Literal(LiteralValue::String(pattern)) = &pattern.expr else {
        let help = Some("compare it, or use `startsWith`, `endsWith`, `contains`".to_owned());
        let message = "the pattern of `matches` is not written out".to_owned();
        return Err(SourceFault { message, help });
    };
    match compiled(pattern.inner(), PATTERN_BYTES) {
        Ok(_) => Ok(()),
        Err(error) => {
            let reason = error.to_string();
            let reason = crate::diagnostic::cut(reason.lines().last().unwrap_or_default(), 120);
            Err(SourceFault::plain(format!("the pattern of `matches` is refused: {reason}")))
        }
    }
}

fn compiled(pattern: &str, most: usize) -> Result<regex::Regex, regex::Error> {
    regex::RegexBuilder::new(pattern).size_limit(most).build()
}

fn check_map(usage: Use, maps: usize) -> Result<(), SourceFault> {
    match (usage, maps) {
        (Use::Condition, _) => Err(SourceFault {
            message: "`map` has no place in a condition".to_owned(),
            help: Some("use `all`, `exists`, `exists_one` or `filter`".to_owned()),
        }),
        (Use::Value, 1) => Ok(()),
        (Use::Value, _) => Err(SourceFault {
            message: "one expression uses `map` more than once".to_owned(),
            help: Some("compute the first list in a `setVariables` stage".to_owned()),
        }),
    }
}

fn children<'a>(place: &Place<'a>, open: &mut Vec<Place<'a>>) {
    let (depth, nesting) = (place.depth + 1, place.nesting);
    let mut add = |child: &'a IdedExpr, nesting| {
        open.push(Place { expression: &child.expr, depth, nesting });
    };
    match place.expression {
        Expr::Comprehension(it) => {
            add(&it.iter_range, nesting);
            for child in [&it.accu_init, &it.loop_cond, &it.loop_step, &it.result] {
                add(child, nesting + 1);
            }
        }
        other => inner(other).into_iter().for_each(|child| add(child, nesting)),
    }
}

/// The parts of an expression that is no comprehension.
pub(super) fn inner(expression: &Expr) -> Vec<&IdedExpr> {
    match expression {
        Expr::Call(call) => call.target.as_deref().into_iter().chain(&call.args).collect(),
        Expr::List(list) => list.elements.iter().collect(),
        Expr::Map(map) => map.entries.iter().flat_map(|it| parts(&it.expr)).collect(),
        Expr::Struct(of) => of.entries.iter().flat_map(|it| parts(&it.expr)).collect(),
        Expr::Select(select) => vec![&*select.operand],
        Expr::Comprehension(_) | Expr::Ident(_) | Expr::Literal(_) | Expr::Unspecified => {
            Vec::new()
        }
    }
}

fn parts(entry: &EntryExpr) -> Vec<&IdedExpr> {
    match entry {
        EntryExpr::StructField(field) => vec![&field.value],
        EntryExpr::MapEntry(entry) => vec![&entry.key, &entry.value],
    }
}

/// Whether it builds a list of new values: `map`, but not `filter`.
fn is_map(comprehension: &ComprehensionExpr) -> bool {
    let appended = |call: &Expr| match call {
        Expr::Call(call) if call.func_name == operators::ADD => call.args.last().cloned(),
        _ => None,
    };
    let (Expr::List(_), Expr::Call(step)) =
        (&comprehension.accu_init.expr, &comprehension.loop_step.expr)
    else {
        return false;
    };
    let added = match step.func_name.as_str() {
        operators::CONDITIONAL => step.args.get(1).and_then(|then| appended(&then.expr)),
        _ => appended(&comprehension.loop_step.expr),
    };
    let is_the_element = added.is_some_and(|added| match &added.expr {
        Expr::List(list) => {
            matches!(list.elements.as_slice(), [one] if one.expr == Expr::Ident(comprehension.iter_var.clone()))
        }
        _ => false,
    });
    !is_the_element
}

/// The sizes of values that bound what an expression over them costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) longest_text: u64,
    pub(super) longest_list: u64,
    /// All values together, each with what it takes to copy it.
    pub(super) bytes: u64,
}

impl Sizes {
    pub(super) fn of(value: &Value) -> Sizes {
        let (mut sizes, mut open) = (Sizes::default(), vec![value]);
        while let Some(value) = open.pop() {
            sizes.bytes += ELEMENT;
            match value {
                Value::String(text) => {
                    sizes.bytes += text.len() as u64;
                    sizes.longest_text = sizes.longest_text.max(text.len() as u64);
                }
                Value::Array(items) => {
                    sizes.longest_list = sizes.longest_list.max(items.len() as u64);
                    open.extend(items);
                }
                Value::Object(entries) => {
                    sizes.bytes += entries.keys().map(|key| key.len() as u64).sum::<u64>();
                    sizes.longest_list = sizes.longest_list.max(entries.len() as u64);
                    open.extend(entries.values());
                }
                Value::Null | Value::Bool(_) | Value::Number(_) => {}
            }
        }
        sizes
    }
}

/// What an expression costs over values of these sizes, unless that is too much.
pub(super) fn check_cost(root: &Expr, sizes: Sizes) -> Result<u64, String> {
    let unit = NODE_WORK + sizes.longest_text;
    // The values are copied twice: out of the scope, and into what the evaluator reads.
    let mut work: u64 = EVALUATION_WORK.saturating_add(2 * sizes.bytes);
    let joins = joins(root);
    // Each join copies what was joined before it.
    if sizes.longest_list.saturating_mul(joins.saturating_mul(joins)) > JOINED {
        return Err("it would join lists to one that is too large".to_owned());
    }
    let mut open = vec![(root, 1_u64)];
    while let Some((expression, passes)) = open.pop() {
        work = work.saturating_add(passes.saturating_mul(unit.saturating_add(extra(expression))));
        match expression {
            Expr::Comprehension(it) => {
                let length = length(&it.iter_range.expr, sizes);
                let inside = passes.saturating_mul(length);
                check_loop(it, (length, inside), (unit, sizes.longest_list))?;
                open.push((&it.iter_range.expr, passes));
                for child in [&it.accu_init, &it.loop_cond, &it.loop_step, &it.result] {
                    open.push((&child.expr, inside));
                }
            }
            other => open.extend(inner(other).into_iter().map(|child| (&child.expr, passes))),
        }
    }
    if work > WORK {
        return Err("it would take too long over values of this size".to_owned());
    }
    Ok(work)
}

fn check_loop(
    comprehension: &ComprehensionExpr,
    (length, passes): (u64, u64),
    (unit, longest_list): (u64, u64),
) -> Result<(), String> {
    let builds = matches!(comprehension.accu_init.expr, Expr::List(_));
    let nodes = size(&comprehension.loop_step.expr);
    if passes > PASSES || (builds && length > BUILT) {
        return Err(format!("it would go through a list of up to {length} elements: too many"));
    }
    let listed = match reads_others(comprehension) {
        true => ELEMENT.saturating_mul(longest_list),
        false => 0,
    };
    let mapped = nodes.saturating_mul(unit).saturating_add(listed);
    if is_map(comprehension) && length.saturating_mul(mapped) > MAPPED {
        return Err("its `map` would build too large a list".to_owned());
    }
    Ok(())
}

/// How many `+` there are outside of comprehensions' own bookkeeping.
fn joins(root: &Expr) -> u64 {
    let (mut joins, mut open) = (0, vec![root]);
    while let Some(expression) = open.pop() {
        match expression {
            Expr::Call(call) if call.func_name == operators::ADD => joins += 1,
            _ => {}
        }
        open.extend(below(expression));
    }
    joins
}

/// Whether the body of a comprehension reads more than its element.
fn reads_others(comprehension: &ComprehensionExpr) -> bool {
    let own = [comprehension.iter_var.as_str(), comprehension.accu_var.as_str()];
    let mut open = vec![&comprehension.loop_step.expr];
    while let Some(expression) = open.pop() {
        match expression {
            Expr::Ident(name) if !own.contains(&name.as_str()) => return true,
            _ => open.extend(below(expression)),
        }
    }
    false
}

/// The parts of any expression.
fn below(expression: &Expr) -> Vec<&Expr> {
    match expression {
        Expr::Comprehension(it) => {
            [&it.iter_range, &it.accu_init, &it.loop_cond, &it.loop_step, &it.result]
                .map(|child| &child.expr)
                .into()
        }
        other => inner(other).into_iter().map(|child| &child.expr).collect(),
    }
}

/// The most elements that a range can have: concatenations add up.
fn length(range: &Expr, sizes: Sizes) -> u64 {
    let nodes = size(range);
    nodes.saturating_mul(sizes.longest_list.max(1))
}

fn size(root: &Expr) -> u64 {
    let (mut nodes, mut open) = (0, vec![root]);
    while let Some(expression) = open.pop() {
        nodes += 1;
        match expression {
            Expr::Comprehension(it) => open.extend(
                [&it.iter_range, &it.accu_init, &it.loop_cond, &it.loop_step, &it.result]
                    .map(|child| &child.expr),
            ),
            other => open.extend(inner(other).into_iter().map(|child| &child.expr)),
        }
    }
    nodes
}

/// A pattern is compiled each time it is used.
fn extra(expression: &Expr) -> u64 {
    let Expr::Call(call) = expression else { return 0 };
    if call.func_name != "matches" {
        return 0;
    }
    match call.args.last().map(|pattern| &pattern.expr) {
        Some(Expr::Literal(LiteralValue::String(pattern)))
            if compiled(pattern.inner(), SMALL_PATTERN_BYTES).is_ok() =>
        {
            SMALL_PATTERN_WORK
        }
        _ => PATTERN_WORK,
    }
}
