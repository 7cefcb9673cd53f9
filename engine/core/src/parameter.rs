//! What a person may be asked for: typed values, how they are declared and read. Pipelines declare
//! parameters so, approvals inputs.

use crate::{diagnostic::quoted, expression::Kind, language::closest, stage::FaultCode};
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A value that whoever starts a run may give.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ParameterText {
    /// What kind of value it is.
    #[serde(rename = "type")]
    #[schemars(example = &"string")]
    kind: ParameterType,
    /// For people.
    #[serde(default)]
    #[schemars(example = &"The tag of the release, such as v7.")]
    description: Option<String>,
    /// What holds when nobody gives a value.
    #[serde(default)]
    #[schemars(example = &"v7")]
    default: Option<Value>,
    /// Whether nothing goes on without a value.
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
pub enum ParameterType {
    #[default]
    String,
    Number,
    Boolean,
    /// One of `options`.
    Choice,
    /// Several texts.
    List,
}

/// A value as it reaches the engine.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// From a command line: the declared type says how it is read.
    Written(String),
    Typed(Value),
}

/// What is wrong with a declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclarationFault {
    pub code: FaultCode,
    pub message: String,
    pub help: Option<String>,
}

impl Given {
    /// A value of a request: a text is read as the declared type says.
    pub fn of(value: Value) -> Given {
        match value {
            Value::String(text) => Given::Written(text),
            typed => Given::Typed(typed),
        }
    }
}

impl ParameterText {
    /// What is wrong with the declaration of `id` itself.
    pub fn faults(&self, id: &str) -> Vec<DeclarationFault> {
        let name = quoted(id);
        let fault = |message: String, help: Option<&str>| DeclarationFault {
            code: FaultCode::Value,
            message,
            help: help.map(str::to_owned),
        };
        let mut faults = Vec::new();
        if let Some(pattern) = &self.pattern
            && let Err(error) = whole(pattern)
        {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default().to_owned();
            let message = format!("`pattern` of {name} is no regular expression: {reason}");
            faults.push(DeclarationFault { code: FaultCode::Format, message, help: None });
        }
        match (self.kind, &self.options) {
            (ParameterType::Choice, None) => {
                faults.push(fault(format!("choice {name} lacks `options`"), None));
            }
            (ParameterType::Choice | ParameterType::List, _) | (_, None) => {}
            (ParameterType::String | ParameterType::Number | ParameterType::Boolean, Some(_)) => {
                let help = "`options` belong to `choice` and `list`";
                faults.push(fault(format!("{name} takes no `options`"), Some(help)));
            }
        }
        match &self.default {
            Some(_) if self.required => {
                let help = "remove one of the two: a default makes it optional";
                faults.push(fault(format!("{name} is required and has a default"), Some(help)));
            }
            Some(default) => {
                if let Err(reason) = self.accepted(default) {
                    let message = format!("the default of {name} does not fit: {reason}");
                    faults.push(fault(message, None));
                }
            }
            None => {}
        }
        faults
    }

    /// What kind of value expressions see.
    pub fn kind(&self) -> Kind {
        match self.kind {
            ParameterType::String | ParameterType::Choice => Kind::Text,
            ParameterType::Number => Kind::Number,
            ParameterType::Boolean => Kind::Boolean,
            ParameterType::List => Kind::List,
        }
    }

    pub fn usual(&self) -> Option<&Value> {
        self.default.as_ref()
    }

    pub fn is_required(&self) -> bool {
        self.required
    }

    /// What is asked for, for people: `eu or us; eu if not given`.
    pub fn words(&self) -> String {
        let kind = match (self.kind, &self.options) {
            (ParameterType::List, Some(options)) => format!("some of {}", options.join(", ")),
            (ParameterType::Choice, Some(options)) => options.join(" or "),
            (kind, _) => kind.asked().to_owned(),
        };
        let need = match &self.default {
            Some(Value::String(default)) => Some(format!("{default} if not given")),
            Some(default) => Some(format!("{default} if not given")),
            None if self.required => None,
            None => Some("may be left out".to_owned()),
        };
        [Some(kind), need, self.description.clone()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join("; ")
    }

    /// The value that was given, in the declared type; or why it is none.
    pub fn read(&self, given: &Given) -> Result<Value, String> {
        let value = match given {
            Given::Typed(value) => value.clone(),
            Given::Written(text) => self.parsed(text)?,
        };
        self.accepted(&value)?;
        Ok(value)
    }

    fn parsed(&self, text: &str) -> Result<Value, String> {
        let shown = quoted(text);
        match self.kind {
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
        match (self.kind, value) {
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
        if let Some(options) = &self.options
            && !options.iter().any(|option| option == text)
        {
            return Err(format!("{} is none of {}", quoted(text), options.join(", ")));
        }
        let pattern = self.pattern.as_deref().and_then(|it| Some((it, whole(it).ok()?)));
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

    fn asked(self) -> &'static str {
        match self {
            ParameterType::String => "a text",
            ParameterType::Number => "a number",
            ParameterType::Boolean => "true or false",
            ParameterType::Choice => "a choice",
            ParameterType::List => "texts, joined by commas",
        }
    }
}

/// What was given, else the defaults, each in its type; or everything that does not fit. What has
/// neither and need not is left out.
pub fn filled_in(
    declared: &BTreeMap<String, ParameterText>,
    given: &BTreeMap<String, Value>,
) -> Result<Map<String, Value>, Vec<String>> {
    let (mut values, mut faults) = (Map::new(), Vec::new());
    for (id, text) in declared {
        match (given.get(id), text.usual()) {
            (Some(given), _) => match text.read(&Given::of(given.clone())) {
                Ok(value) => drop(values.insert(id.clone(), value)),
                Err(reason) => faults.push(format!("{}: {reason}", quoted(id))),
            },
            (None, Some(default)) => drop(values.insert(id.clone(), default.clone())),
            (None, None) if text.is_required() => {
                faults.push(format!("{} ({}) is missing", quoted(id), text.words()));
            }
            (None, None) => {}
        }
    }
    for unknown in given.keys().filter(|id| !declared.contains_key(*id)) {
        let known = declared.keys().map(String::as_str);
        let near = closest(unknown, known.clone()).map(|near| format!(", did you mean `{near}`?"));
        let near = near.unwrap_or_else(|| match known.collect::<Vec<_>>().as_slice() {
            [] => ": none is asked for".to_owned(),
            known => format!(": it asks for {}", known.join(", ")),
        });
        faults.push(format!("there is no input {}{near}", quoted(unknown)));
    }
    if faults.is_empty() { Ok(values) } else { Err(faults) }
}

fn whole(pattern: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(1 << 20).build()
}
