//! What is asked of whoever says yes: typed values, on which all who say it must agree.

use super::Config;
use engine_core::{
    event::Signalled,
    files::Step as PathStep,
    parameter::filled_in,
    stage::{Fault, Outputs},
};
use serde_json::{Map, Value};

/// The values of one answer, in bytes of JSON: they become outputs.
const LIMIT_BYTES: usize = 8 * 1024;

impl Config {
    pub(super) fn input_faults(&self) -> Vec<Fault> {
        let of = |(id, text): (&String, &engine_core::parameter::ParameterText)| {
            let place = vec![PathStep::Key("inputs".to_owned()), PathStep::Key(id.clone())];
            let fault = move |fault: engine_core::parameter::DeclarationFault| Fault {
                code: fault.code,
                place: place.clone(),
                message: fault.message,
                help: fault.help,
            };
            text.faults(id).into_iter().map(fault).collect::<Vec<_>>()
        };
        self.inputs.iter().flat_map(of).collect()
    }

    /// The values that a yes gives, defaults filled in; or everything that is wrong with them.
    pub(super) fn values(&self, yes: &Signalled) -> Result<Outputs, String> {
        bounded(yes.inputs.iter().map(|(id, value)| (id.clone(), value.clone())).collect())?;
        let values = filled_in(&self.inputs, &yes.inputs).map_err(|faults| faults.join("; "))?;
        bounded(values)
    }

    /// What an answer must give, for the sentence that asks for it.
    pub(super) fn asks_for(&self) -> String {
        let asked = self.inputs.iter().map(|(id, text)| format!("{id} ({})", text.words()));
        match asked.collect::<Vec<_>>().join(", ").as_str() {
            "" => String::new(),
            asked => format!(", giving {asked}"),
        }
    }
}

fn bounded(values: Map<String, Value>) -> Result<Outputs, String> {
    let size = serde_json::to_vec(&values).map_or(usize::MAX, |json| json.len());
    if size > LIMIT_BYTES {
        return Err(format!("the inputs have {size} bytes, {LIMIT_BYTES} may be"));
    }
    Ok(values)
}

/// `percent=10, region=eu`
pub(super) fn told(values: &Outputs) -> String {
    let told = values.iter().map(|(id, value)| match value {
        Value::String(text) => format!("{id}={text}"),
        other => format!("{id}={other}"),
    });
    told.collect::<Vec<_>>().join(", ")
}
