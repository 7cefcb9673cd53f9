//! Parameters: how they are declared, and the values that a run gets.

use crate::{
    diagnostic::{Code, Diagnostic, Span, quoted},
    expression::Kind,
    language::closest,
};
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A value that whoever starts a run may give.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ParameterText {
    /// What kind of value it is.
    #[serde(rename = "type")]
    #[schemars(example = &"string")]
    kind: ParameterType,
    /// For people.
    #[serde(default)]
    #[schemars(example = &"The tag of the release, such as v7.")]
    #[expect(dead_code, reason = "for people; it is read from the schema's answer")]
    description: Option<String>,
    /// What holds when nobody gives a value.
    #[serde(default)]
    #[schemars(example = &"v7")]
    default: Option<Value>,
    /// Whether a run cannot start without a value.
    #[serde(default)]
    #[schemars(example = true)]
    required: bool,
    /// What a text, or each text of a list, must match, as a whole.
    #[serde(default)]
    #[schemars(example = &"v[0-9]+")]
    pattern: Option<String>,
    /// The words of a choice, or what a list may hold.
    #[serde(default)]
    #[schemars(length(min = 1), example = ["eu", "us"])]
    options: Option<Vec<String>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ParameterType {
    #[default]
    String,
    Number,
    Boolean,
    /// One of `options`.
    Choice,
    /// Several texts.
    List,
}

/// A declared parameter.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub(crate) id: String,
    pub(crate) span: Span,
    pub(crate) text: ParameterText,
}

/// A value as it reaches the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// From a command line: the declared type says how it is read.
    Written(String),
    Typed(Value),
}

impl Parameter {
    /// What is wrong with the declaration itself.
    pub(super) fn faults(&self) -> Vec<Diagnostic> {
        let fault = |message: String| Diagnostic::error(Code::E016, self.span, message);
        let name = quoted(&self.id);
        let mut faults = Vec::new();
        if let Some(pattern) = &self.text.pattern
            && let Err(error) = whole(pattern)
        {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().to_owned();
            let message = format!("`pattern` of {name} is no regular expression: {reason}");
            faults.push(Diagnostic::error(Code::E008, self.span, message));
        }
        match (self.text.kind, &self.text.options) {
            (ParameterType::Choice, None) => {
                faults.push(fault(format!("choice {name} lacks `options`")));
            }
            (ParameterType::Choice | ParameterType::List, _) | (_, None) => {}
            (ParameterType::String | ParameterType::Number | ParameterType::Boolean, Some(_)) => {
                let help = "`options` belong to `choice` and `list`";
                faults.push(fault(format!("{name} takes no `options`")).help(help));
            }
        }
        match &self.text.default {
            Some(_) if self.text.required => {
                let help = "remove one of the two: a default makes it optional";
                faults.push(fault(format!("{name} is required and has a default")).help(help));
            }
            Some(default) => {
                if let Err(reason) = self.accepted(default) {
                    faults.push(fault(format!("the default of {name} does not fit: {reason}")));
                }
            }
            None => {}
        }
        faults
    }

    /// What kind of value expressions see.
    pub(super) fn kind(&self) -> Kind {
        match self.text.kind {
            ParameterType::String | ParameterType::Choice => Kind::Text,
            ParameterType::Number => Kind::Number,
            ParameterType::Boolean => Kind::Boolean,
            ParameterType::List => Kind::List,
        }
    }

    pub(super) fn default(&self) -> Option<&Value> {
        self.text.default.as_ref()
    }

    pub(super) fn is_required(&self) -> bool {
        self.text.required
    }

    /// The value that was given, in the declared type; or why it is none.
    pub(super) fn read(&self, given: &Given) -> Result<Value, String> {
        let value = match given {
            Given::Typed(value) => value.clone(),
            Given::Written(text) => self.parsed(text)?,
        };
        self.accepted(&value)?;
        Ok(value)
    }

    fn parsed(&self, text: &str) -> Result<Value, String> {
        let shown = quoted(text);
        match self.text.kind {
            ParameterType::String | ParameterType::Choice => Ok(Value::from(text)),
            ParameterType::Number => match serde_json::from_str(text) {
                Ok(Value::Number(number)) => Ok(Value::Number(number)),
                Ok(_) | Err(_) => Err(format!("{shown} is no number")),
            },
            ParameterType::Boolean => match text {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(format!("{shown} is neither `true` nor `false`")),
            },
            ParameterType::List => {
                Ok(text.split(',').filter(|item| !item.is_empty()).map(Value::from).collect())
            }
        }
    }

    fn accepted(&self, value: &Value) -> Result<(), String> {
        match (self.text.kind, value) {
            (ParameterType::String | ParameterType::Choice, Value::String(text)) => {
                self.accepted_text(text)
            }
            (ParameterType::Number, Value::Number(_))
            | (ParameterType::Boolean, Value::Bool(_)) => Ok(()),
            (ParameterType::List, Value::Array(items)) => items.iter().try_for_each(|item| {
                let text = item.as_str().ok_or_else(|| format!("{item} is no text"))?;
                self.accepted_text(text)
            }),
            (kind, value) => {
                let shown = crate::diagnostic::cut(&value.to_string(), 64);
                Err(format!("{shown} is no {}", kind.word()))
            }
        }
    }

    fn accepted_text(&self, text: &str) -> Result<(), String> {
        if let Some(options) = &self.text.options
            && !options.iter().any(|option| option == text)
        {
            return Err(format!("{} is none of {}", quoted(text), options.join(", ")));
        }
        let pattern = self.text.pattern.as_deref().and_then(|it| Some((it, whole(it).ok()?)));
        match pattern {
            Some((pattern, regex)) if !regex.is_match(text) => {
                Err(format!("{} does not match `{pattern}`", quoted(text)))
            }
            Some(_) | None => Ok(()),
        }
    }
}

impl ParameterType {
    fn word(self) -> &'static str {
        match self {
            ParameterType::String => "text",
            ParameterType::Number => "number",
            ParameterType::Boolean => "`true` or `false`",
            ParameterType::Choice => "choice",
            ParameterType::List => "list of texts",
        }
    }
}

/// The values of a run: what was given, else the defaults. What has neither is left out.
pub(super) fn values(
    declared: &[Parameter],
    given: &BTreeMap<String, Given>,
) -> (BTreeMap<String, Value>, Vec<Diagnostic>) {
    let (mut values, mut faults) = (BTreeMap::new(), Vec::new());
    for parameter in declared {
        match (given.get(&parameter.id), parameter.default()) {
            (Some(given), _) => match parameter.read(given) {
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
    let known = |id: &&String| declared.iter().any(|parameter| parameter.id == **id);
    for unknown in given.keys().filter(|id| !known(id)) {
        let near = closest(unknown, declared.iter().map(|parameter| parameter.id.as_str()));
        let message = format!("there is no parameter {}", quoted(unknown));
        let fault = Diagnostic::error(Code::E016, Span::default(), message);
        faults.push(fault.maybe_help(near.map(|near| format!("did you mean `{near}`?"))));
    }
    (values, faults)
}

fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(1 << 20).build()
}
