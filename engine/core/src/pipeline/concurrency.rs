//! The group of runs that a pipeline belongs to: read, checked, and bound when a run starts.

use super::{Pipeline, Written};
use crate::{
    admission::Strategy,
    diagnostic::{Code, Diagnostic, Span},
    language::{ConcurrencyText, Node, Walk, decode},
    plan::Concurrency,
    template::{Readiness, Scope, Template},
};
use serde_json::Value;

const LONGEST: usize = 100;

/// As it was written.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// The pipeline's own, if it is not said.
    pub(super) name: Written<Template>,
    limit: u32,
    strategy: Strategy,
}

impl Default for Group {
    fn default() -> Group {
        Group { name: Written::Absent, limit: 1, strategy: Strategy::default() }
    }
}

impl Group {
    pub(super) fn read(root: &Node, walk: &Walk<'_>) -> Group {
        let Some(entry) = root.entry("concurrency").filter(|it| walk.is_sound(&it.value)) else {
            return Group::default();
        };
        let text: ConcurrencyText = decode(&entry.value, walk, |_| true).unwrap_or_default();
        let name = match (text.group, entry.value.entry("group")) {
            (Some(group), Some(entry)) => match Template::text(&group) {
                Ok(template) => Written::Present(template, entry.value.span),
                Err(_) => Written::Faulty,
            },
            (_, _) => Written::Absent,
        };
        Group { name, limit: text.limit.unwrap_or(1), strategy: text.strategy.unwrap_or_default() }
    }

    /// The group, once everything in its name is known.
    pub(super) fn bind(
        &mut self,
        scope: &Scope,
        ready: &dyn Fn(&str) -> Readiness,
    ) -> Vec<Diagnostic> {
        let Written::Present(template, span) = &mut self.name else { return Vec::new() };
        let (span, mut failed) = (*span, Vec::new());
        template.bind_early(ready, scope, &mut failed);
        let mut faults: Vec<Diagnostic> = failed
            .into_iter()
            .map(|(_, error)| Diagnostic::error(Code::E005, span, error.to_string()))
            .collect();
        if template.is_literal() {
            faults.extend(name_fault(&template.preview(), span));
        }
        faults
    }
}

impl Pipeline {
    /// The group of a run; of a pipeline without a name there is none.
    pub(crate) fn concurrency(&self) -> Option<Concurrency> {
        let Group { name, limit, strategy } = &self.group;
        let group = match name.known() {
            Written::Present(group, _) => group,
            Written::Absent | Written::Faulty => self.name()?.to_owned(),
        };
        Some(Concurrency { group, limit: *limit, strategy: *strategy })
    }
}

fn name_fault(name: &Value, span: Span) -> Option<Diagnostic> {
    let is_name = |text: &str| {
        (1..=LONGEST).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match name {
        Value::String(text) if is_name(text) => None,
        Value::String(_)
        | Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::Array(_)
        | Value::Object(_) => {
            let message = "`group` must come to a text without spaces";
            let help = format!("use 1 to {LONGEST} letters, digits and signs");
            Some(Diagnostic::error(Code::E016, span, message).help(help))
        }
    }
}
