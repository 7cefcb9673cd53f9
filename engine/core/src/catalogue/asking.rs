//! Asks one trigger about one happening: its filters, its `when`, what it hands over.

use super::{Activity, Listening, Outline};
use crate::{
    expression::{evaluate, remembering, told},
    happening::Happening,
    parameter::Given,
    template::Scope,
    trigger::{Because, TriggerEvent, Verdict},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is said of an event whose cause is not known.
const NOBODY: &str = "";

/// What a trigger says to a happening.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Fires(Box<Firing>),
    No(Because),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Firing {
    pub event: TriggerEvent,
    /// What the run gets for its parameters.
    pub parameters: BTreeMap<String, Given>,
}

impl Listening {
    /// Takes up to some tens of milliseconds, and a large stack of its own, if it has expressions.
    pub fn ask(&self, happening: &Happening, outline: &Outline) -> Answer {
        if self.outline.activity == Activity::Disabled {
            return no("enabled", "false".to_owned());
        }
        let event = match self.matcher.accept(happening) {
            Verdict::Start(event) => event,
            Verdict::No(because) => return Answer::No(because),
        };
        if self.outline.when.is_none() && self.outline.parameters.is_empty() {
            return Answer::Fires(Box::new(Firing { event, parameters: BTreeMap::new() }));
        }
        let scope = self.scope(&event, outline);
        remembering(|| self.fires(event, &scope))
    }

    fn fires(&self, event: TriggerEvent, scope: &Scope) -> Answer {
        if let Some(source) = &self.outline.when {
            match evaluate(source, scope) {
                Ok(Value::Bool(true)) => {}
                Ok(Value::Bool(false)) => {
                    let saw = match told(source, scope).as_str() {
                        "" => format!("`{source}` is false"),
                        saw => format!("`{source}` is false: {saw}"),
                    };
                    return no("when", saw);
                }
                Ok(_) => return no("when", format!("`{source}` is neither true nor false")),
                Err(error) => return no("when", error.to_string()),
            }
        }
        let mut parameters = BTreeMap::new();
        for (id, template) in &self.outline.parameters {
            match template.bind(scope) {
                Ok(value) => drop(parameters.insert(id.clone(), Given::Typed(value))),
                Err(error) => return no("parameters", format!("{id}: {error}")),
            }
        }
        Answer::Fires(Box::new(Firing { event, parameters }))
    }

    fn scope(&self, event: &TriggerEvent, outline: &Outline) -> Scope {
        let mut fields = event.fields.clone();
        fields.insert("type".to_owned(), json!(self.outline.trigger_type));
        fields.insert("actor".to_owned(), json!(event.actor.as_deref().unwrap_or(NOBODY)));
        let application = json!({"name": self.home.application, "labels": outline.labels});
        Scope::from_iter([
            ("trigger".to_owned(), Value::Object(fields)),
            ("application".to_owned(), application),
        ])
    }
}

fn no(filter: &str, value: String) -> Answer {
    Answer::No(Because { filter: filter.to_owned(), value })
}
