//! The parameters of a pipeline, and the values that a run gets.

use super::bounds::more;
use crate::{
    diagnostic::{Code, Diagnostic, Span, quoted},
    expression::Kind,
    language::closest,
    limits::{ALL_GIVEN_BYTES, PARAMETERS},
    parameter::{DeclarationFault, Given, Matching, ParameterText, size},
    stage::FaultCode,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// A declared parameter.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) id: String,
    pub(crate) span: Span,
    pub(crate) text: ParameterText,
}

impl Parameter {
    /// What is wrong with the declaration itself.
    pub(super) fn faults(&self, matching: &Matching) -> Vec<Diagnostic> {
        let told = |fault: DeclarationFault| {
            let code = match fault.code {
                FaultCode::Format => Code::E008,
                FaultCode::Value
                | FaultCode::Manifest
                | FaultCode::Unknown
                | FaultCode::Image
                | FaultCode::Expression => Code::E016,
            };
            Diagnostic::error(code, self.span, fault.message).maybe_help(fault.help)
        };
        self.text.faults_within(&self.id, matching).into_iter().map(told).collect()
    }

    /// What kind of value expressions see.
    pub(super) fn kind(&self) -> Kind {
        self.text.kind()
    }

    pub(super) fn is_required(&self) -> bool {
        self.text.is_required()
    }
}

/// The values of a run: what was given, else the defaults. What has neither is left out.
pub(super) fn values(
    declared: &[Parameter],
    given: &BTreeMap<String, Given>,
) -> (BTreeMap<String, Value>, Vec<Diagnostic>) {
    let (mut values, mut faults) = (BTreeMap::new(), Vec::new());
    let help = "give those that the file declares";
    let limit = (PARAMETERS, "parameters are given");
    if let Some(excess) = more(given.len(), limit, Span::default(), help) {
        return (values, vec![excess]);
    }
    let matching = Matching::default();
    for parameter in declared {
        match (given.get(&parameter.id), parameter.text.usual()) {
            (Some(given), _) => match parameter.text.read_within(given, &matching) {
                Ok(value) => drop(values.insert(parameter.id.clone(), value)),
                Err(reason) => {
                    let message = format!("parameter {}: {reason}", quoted(&parameter.id));
                    faults.push(Diagnostic::error(Code::E016, parameter.span, message));
                }
            },
            (None, Some(default)) => drop(values.insert(parameter.id.clone(), default.clone())),
            (None, None) => {}
        }
    }
    let (all, most) = (values.values().map(size).sum(), ALL_GIVEN_BYTES);
    let help = "name a file that holds them";
    faults.extend(more(all, (most, "bytes of parameters"), Span::default(), help));
    let known = |id: &&String| declared.iter().any(|parameter| parameter.id == **id);
    for unknown in given.keys().filter(|id| !known(id)) {
        let near = closest(unknown, declared.iter().map(|parameter| parameter.id.as_str()));
        let message = format!("there is no parameter {}", quoted(unknown));
        let fault = Diagnostic::error(Code::E016, Span::default(), message);
        faults.push(fault.maybe_help(near.map(|near| format!("did you mean `{near}`?"))));
    }
    (values, faults)
}
