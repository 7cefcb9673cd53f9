//! What a person may be asked for: typed values, how they are declared and read. Pipelines declare
//! parameters so, approvals inputs.

use crate::{
    diagnostic::{cut, quoted},
    expression::Kind,
    language::closest,
    limits::{COMPILED_BYTES, GIVEN_BYTES, MATCHED_BYTES, PATTERN_BYTES},
    stage::FaultCode,
    wording::count,
};
use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::{
    cell::Cell,
    collections::{BTreeMap, HashSet},
};

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

/// What a declaration asks of texts, made ready once for all of them.
#[derive(Default)]
struct Fit<'a> {
    options: Option<HashSet<&'a str>>,
    pattern: Option<(&'a str, Regex)>,
}

/// How much text may still be held against patterns.
pub(crate) struct Matching {
    left: Cell<usize>,
}

impl Default for Matching {
    fn default() -> Matching {
        Matching { left: Cell::new(MATCHED_BYTES) }
    }
}

impl Matching {
    fn afford(&self, text: &str) -> Option<()> {
        self.left.set(self.left.get().checked_sub(text.len())?);
        Some(())
    }
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
        self.faults_within(id, &Matching::default())
    }

    /// The same, of one of several.
    pub(crate) fn faults_within(&self, id: &str, matching: &Matching) -> Vec<DeclarationFault> {
        let name = quoted(id);
        let fault = |message: String, help: Option<&str>| DeclarationFault {
            code: FaultCode::Value,
            message,
            help: help.map(str::to_owned),
        };
        let mut faults = Vec::new();
        let fit = self.fit();
        if let Err(reason) = &fit {
            let message = format!("`pattern` of {name} is refused: {reason}");
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
                if let Err(reason) = self.accepted(default, (&fit.unwrap_or_default(), matching)) {
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
        self.read_within(given, &Matching::default())
    }

    /// The same, of one of several.
    pub(crate) fn read_within(&self, given: &Given, matching: &Matching) -> Result<Value, String> {
        let value = match given {
            Given::Typed(value) => value.clone(),
            Given::Written(text) => self.parsed(text)?,
        };
        // What is wrong with the pattern was told of the declaration.
        self.accepted(&value, (&self.fit().unwrap_or_default(), matching))?;
        Ok(value)
    }

    fn fit(&self) -> Result<Fit<'_>, String> {
        let options = self.options.as_ref().map(|it| it.iter().map(String::as_str).collect());
        let pattern = self.pattern.as_deref();
        let pattern = pattern.map(|pattern| Ok((pattern, whole(pattern)?))).transpose();
        pattern.map(|pattern| Fit { options, pattern })
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

    fn accepted(&self, value: &Value, by: (&Fit<'_>, &Matching)) -> Result<(), String> {
        let size = size(value);
        if size > GIVEN_BYTES {
            let (size, most) = (count(size), count(GIVEN_BYTES));
            return Err(format!("it has {size} bytes, at most {most} may be: name a file instead"));
        }
        match (self.kind, value) {
            (ParameterType::String | ParameterType::Choice, Value::String(text)) => {
                self.accepted_text(text, by)
            }
            (ParameterType::Number, Value::Number(_))
            | (ParameterType::Boolean, Value::Bool(_)) => Ok(()),
            (ParameterType::List, Value::Array(items)) => items.iter().try_for_each(|item| {
                let shown = || cut(&item.to_string(), 64);
                let text = item.as_str().ok_or_else(|| format!("{} is no text", shown()))?;
                self.accepted_text(text, by)
            }),
            (kind, value) => {
                let shown = cut(&value.to_string(), 64);
                Err(format!("{shown} is no {}", kind.word()))
            }
        }
    }

    fn accepted_text(
        &self,
        text: &str,
        (fit, matching): (&Fit<'_>, &Matching),
    ) -> Result<(), String> {
        if let (Some(known), Some(options)) = (&fit.options, &self.options)
            && !known.contains(text)
        {
            let shown = cut(&options.join(", "), 1_000);
            return Err(format!("{} is none of {shown}", quoted(text)));
        }
        match &fit.pattern {
            Some(_) if matching.afford(text).is_none() => {
                let most = count(MATCHED_BYTES);
                Err(format!(
                    "texts that must match patterns have at most {most} bytes, all together"
                ))
            }
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

/// As JSON, in bytes.
pub(crate) fn size(value: &Value) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |json| json.len())
}

fn whole(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > PATTERN_BYTES {
        let (found, most) = (count(pattern.len()), count(PATTERN_BYTES));
        return Err(format!("it has {found} bytes, at most {most} may be"));
    }
    let mut builder = regex::RegexBuilder::new(&format!("^(?:{pattern})$"));
    builder.size_limit(COMPILED_BYTES).dfa_size_limit(COMPILED_BYTES);
    builder.build().map_err(|error| match error {
        regex::Error::CompiledTooBig(most) => {
            format!("it takes more than {} bytes once compiled: repeat less", count(most))
        }
        other => {
            let told = other.to_string();
            format!("it is no regular expression: {}", told.lines().last().unwrap_or_default())
        }
    })
}
