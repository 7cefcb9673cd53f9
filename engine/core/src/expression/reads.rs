//! What an expression reads: `parameters.version`, `stages.build.outputs`.

use super::bounds::inner;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

/// A name and the fields behind it, as far as they are written out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Read {
    /// The first is the name itself.
    pub path: Vec<String>,
    pub guard: Guard,
}

/// Whether `has()` asks for it somewhere in the same expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guard {
    None,
    Has,
}

/// An expression, and the names that comprehensions around it have bound.
struct Place<'a> {
    expression: &'a Expr,
    bound: Vec<&'a str>,
}

pub(super) fn of(root: &Expr) -> Vec<Read> {
    let mut open = vec![Place { expression: root, bound: Vec::new() }];
    let (mut reads, mut guarded): (Vec<Vec<String>>, Vec<Vec<String>>) = Default::default();
    while let Some(Place { expression, bound }) = open.pop() {
        match path(expression) {
            Some((path, _)) if bound.contains(&path[0].as_str()) => {}
            Some((path, Guard::Has)) => {
                guarded.push(path.clone());
                reads.push(path);
            }
            Some((path, Guard::None)) => reads.push(path),
            None => {}
        }
        open.extend(unread(expression, &bound));
    }
    reads.sort();
    reads.dedup();
    let guard = |path: &[String]| match guarded.iter().any(|it| path.starts_with(it)) {
        true => Guard::Has,
        false => Guard::None,
    };
    reads.into_iter().map(|path| Read { guard: guard(&path), path }).collect()
}

/// The parts in which further reads may stand.
fn unread<'a>(expression: &'a Expr, bound: &[&'a str]) -> Vec<Place<'a>> {
    let within = |expression: &'a Expr| Place { expression, bound: bound.to_vec() };
    match (expression, path(expression)) {
        (Expr::Comprehension(it), _) => {
            let mut inside = bound.to_vec();
            inside.extend([it.iter_var.as_str(), it.accu_var.as_str()]);
            inside.extend(it.iter_var2.as_deref());
            let body = [&it.accu_init, &it.loop_cond, &it.loop_step, &it.result];
            let body = body.map(|part| Place { expression: &part.expr, bound: inside.clone() });
            body.into_iter().chain([within(&it.iter_range.expr)]).collect()
        }
        (_, Some(_)) => Vec::new(),
        (other, None) => inner(other).into_iter().map(|part| within(&part.expr)).collect(),
    }
}

/// The path that an expression spells, by fields and literal keys alone.
fn path(expression: &Expr) -> Option<(Vec<String>, Guard)> {
    let (mut fields, mut guard, mut at) = (Vec::new(), Guard::None, expression);
    loop {
        match at {
            Expr::Ident(name) => {
                fields.push(name.clone());
                fields.reverse();
                return Some((fields, guard));
            }
            Expr::Select(select) => {
                if select.test {
                    guard = Guard::Has;
                }
                fields.push(select.field.clone());
                at = &select.operand.expr;
            }
            Expr::Call(call) => {
                let (operand, key) = indexed(call)?;
                fields.push(key);
                at = operand;
            }
            Expr::Comprehension(_)
            | Expr::List(_)
            | Expr::Literal(_)
            | Expr::Map(_)
            | Expr::Struct(_)
            | Expr::Unspecified => return None,
        }
    }
}

/// The path of what is read and not only asked for.
pub(super) fn plain(expression: &Expr) -> Option<Vec<String>> {
    match path(expression)? {
        (path, Guard::None) => Some(path),
        (_, Guard::Has) => None,
    }
}

/// `operand["key"]`.
fn indexed(call: &CallExpr) -> Option<(&Expr, String)> {
    match (call.func_name.as_str(), call.args.as_slice()) {
        (operators::INDEX, [operand, key]) => match &key.expr {
            Expr::Literal(LiteralValue::String(key)) => {
                Some((&operand.expr, key.inner().to_owned()))
            }
            _ => None,
        },
        _ => None,
    }
}

impl Read {
    /// As an author would write it.
    pub fn written(&self) -> String {
        let mut written = String::new();
        for field in &self.path {
            if written.is_empty() {
                written.push_str(field);
            } else if field.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                written.push('.');
                written.push_str(field);
            } else {
                written.push_str(&format!("[{field:?}]"));
            }
        }
        written
    }
}
