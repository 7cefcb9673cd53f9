//! Variables of the environment that come before keys of the platform's file:
//! `GENNAKER_SERVER__LISTEN` before `server.listen`. Each is read as a file of its own that says the
//! one key, so that its faults are told as those of files are.

use super::Platform;
use crate::{
    diagnostic::SourceFile,
    language::{Schemas, closest},
};
use serde_json::{Map, Value};

const PREFIX: &str = "GENNAKER_";
/// Between the parts of a key.
const BETWEEN: &str = "__";
/// What these variables mean is a secret, whatever its name.
const SECRETS: &str = "GENNAKER_SECRET_";

/// What a variable of the environment is to the platform's file.
#[derive(Clone, Debug, PartialEq)]
pub enum Variable {
    /// It has nothing to do with it.
    Other,
    /// It says a key.
    Says(SourceFile),
    /// It looks like one that does, and does not; the sentence says what was probably meant.
    Unknown { help: String },
}

/// A key that a variable can say.
struct Key {
    variable: String,
    path: Vec<String>,
    form: Form,
}

/// How the text of a variable is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    List,
    Bare,
}

impl Platform {
    /// What the variable `name` says with `value`.
    pub fn variable(name: &str, value: &str) -> Variable {
        let Some(rest) = name.strip_prefix(PREFIX).filter(|_| !name.starts_with(SECRETS)) else {
            return Variable::Other;
        };
        let keys = keys();
        match keys.iter().find(|key| key.variable == name) {
            Some(key) => Variable::Says(key.file(value)),
            None if !rest.contains(BETWEEN) => Variable::Other,
            None => {
                let known = keys.iter().map(|key| key.variable.as_str());
                let help = match closest(name, known.clone()) {
                    Some(near) => format!("did you mean {near}?"),
                    None => format!("there are {}", known.collect::<Vec<_>>().join(", ")),
                };
                Variable::Unknown { help }
            }
        }
    }
}

impl Key {
    fn file(&self, value: &str) -> SourceFile {
        let quoted = |text: &str| Value::from(text).to_string();
        let said = match self.form {
            Form::Text => quoted(value),
            Form::List if value.trim_start().starts_with('[') => value.replace('\n', " "),
            Form::List => {
                let items: Vec<String> = value.split(',').map(|it| quoted(it.trim())).collect();
                format!("[{}]", items.join(", "))
            }
            Form::Bare => value.replace('\n', " "),
        };
        let mut text = "version: 1\n".to_owned();
        for (depth, part) in self.path.iter().enumerate() {
            let end = if depth + 1 == self.path.len() { format!(" {said}\n") } else { "\n".into() };
            text.push_str(&format!("{}{part}:{end}", "  ".repeat(depth)));
        }
        SourceFile::new(self.variable.clone(), text.as_bytes())
    }
}

/// Every key that has a name of its own all the way down: not those within lists, nor below what
/// users name.
fn keys() -> Vec<Key> {
    let schemas = Schemas::platform();
    let mut found = Vec::new();
    for (key, schema) in properties(&schemas.root).filter(|(key, _)| *key != "version") {
        collect((&schemas.definitions, schema), vec![key.clone()], &mut found);
    }
    found
}

fn collect(
    (definitions, schema): (&Map<String, Value>, &Value),
    path: Vec<String>,
    found: &mut Vec<Key>,
) {
    let schema = resolved(definitions, schema);
    let mut is_section = false;
    for (key, schema) in properties(schema) {
        is_section = true;
        collect(
            (definitions, schema),
            [path.as_slice(), std::slice::from_ref(key)].concat(),
            found,
        );
    }
    let is = |word: &str| match &schema["type"] {
        Value::String(kind) => kind == word,
        Value::Array(kinds) => kinds.iter().any(|kind| kind == word),
        _ => false,
    };
    let form = match () {
        () if is_section || is("object") => return,
        () if is("array") && resolved(definitions, &schema["items"])["type"] != "string" => return,
        () if is("array") => Form::List,
        () if is("string") => Form::Text,
        () => Form::Bare,
    };
    let parts: Vec<String> = path.iter().map(|part| snake(part)).collect();
    found.push(Key { variable: format!("{PREFIX}{}", parts.join(BETWEEN)), path, form });
}

/// `runsPerApplication` as `RUNS_PER_APPLICATION`.
fn snake(key: &str) -> String {
    let mut snake = String::new();
    for letter in key.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_uppercase());
    }
    snake
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

/// A schema without the reference, or the choice of nothing, around it.
fn resolved<'s>(definitions: &'s Map<String, Value>, schema: &'s Value) -> &'s Value {
    let named = schema.get("$ref").and_then(Value::as_str);
    let named = named.and_then(|name| definitions.get(name.strip_prefix("#/$defs/")?));
    let first = || schema.get("anyOf")?.as_array()?.first();
    match (named, first()) {
        (Some(schema), _) => schema,
        (None, Some(schema)) => resolved(definitions, schema),
        (None, None) => schema,
    }
}

/// Says what `over` says, and else what was said before.
pub(super) fn laid_over(before: &mut Value, over: Value) {
    match (before, over) {
        (Value::Object(before), Value::Object(over)) => {
            for (key, value) in over {
                laid_over(before.entry(key).or_insert(Value::Null), value);
            }
        }
        (before, over) => *before = over,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, value: &str) -> String {
        match Platform::variable(name, value) {
            Variable::Says(file) => file.text().to_owned(),
            other => panic!("{name}: {other:?}"),
        }
    }

    #[test]
    fn a_variable_says_a_key_as_a_file_would() {
        for (name, value, text) in [
            ("GENNAKER_SERVER__LISTEN", "127.0.0.1:1", "server:\n  listen: \"127.0.0.1:1\"\n"),
            ("GENNAKER_SERVER__PUBLIC_URL", "a\"b", "server:\n  publicUrl: \"a\\\"b\"\n"),
            ("GENNAKER_LIMITS__RUNS_PER_APPLICATION", "3", "limits:\n  runsPerApplication: 3\n"),
            ("GENNAKER_RETENTION__DELIVERIES", "9d", "retention:\n  deliveries: \"9d\"\n"),
            ("GENNAKER_HTTP__ALLOW", "a, b", "http:\n  allow: [\"a\", \"b\"]\n"),
            ("GENNAKER_HTTP__ALLOW", "[c]", "http:\n  allow: [c]\n"),
        ] {
            assert_eq!(said(name, value), format!("version: 1\n{text}"), "{name}");
        }
    }

    #[test]
    fn what_looks_like_one_is_refused_and_others_are_left_alone() {
        let unknown = Platform::variable("GENNAKER_SERVER__LISTN", "x");
        let help = "did you mean GENNAKER_SERVER__LISTEN?".to_owned();
        assert_eq!(unknown, Variable::Unknown { help });
        for name in
            ["GENNAKER_SERVER", "GENNAKER_LOG", "GENNAKER_SECRET_A__B", "GENNAKER_STATE", "A__B"]
        {
            assert_eq!(Platform::variable(name, "x"), Variable::Other, "{name}");
        }
        // What users name, and what stands in lists, has no variable.
        let named = Platform::variable("GENNAKER_ENVIRONMENTS__PROD", "x");
        assert!(matches!(named, Variable::Unknown { .. }));
    }

    #[test]
    fn what_a_variable_says_comes_before_the_file_and_its_faults_are_its_own() {
        let file = SourceFile::new(
            "gennaker.yaml".to_owned(),
            b"version: 1\nserver: {listen: \"127.0.0.1:1\", socketGroup: ops}\n",
        );
        let over = |name: &str, value: &str| match Platform::variable(name, value) {
            Variable::Says(file) => file,
            other => panic!("{other:?}"),
        };
        let files = [file.clone(), over("GENNAKER_SERVER__LISTEN", "127.0.0.1:2")];
        let platform =
            Platform::read_over((&files, 1), &crate::schedule::Zones::bundled()).unwrap();
        assert_eq!(platform.listen(), Some("127.0.0.1:2".parse().unwrap()));
        assert_eq!(platform.socket_group(), Some("ops"));
        for (name, value) in [
            ("GENNAKER_SERVER__LISTEN", "0.0.0.0:1"),
            ("GENNAKER_RETENTION__DELIVERIES", "soon"),
            ("GENNAKER_INCLUDE", "teams/*.yaml"),
            ("GENNAKER_FREEZES", "freezes/*.yaml"),
        ] {
            let faults = Platform::read_over(
                (&[file.clone(), over(name, value)], 1),
                &crate::schedule::Zones::bundled(),
            )
            .unwrap_err();
            assert_eq!(faults.iter().map(|it| it.file).collect::<Vec<_>>(), [1], "{name}");
        }
    }
}
