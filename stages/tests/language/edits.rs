//! Files edited at random: the published schema refuses and takes what the program refuses and takes.

use crate::{schema::Published, told};
use engine_core::diagnostic::{Code, Severity};
use proptest::{prelude::*, test_runner::RngSeed};
use serde_json::{Value, json};

/// The files that are changed at random: every example of a diagnostic put right, and one that says
/// much.
fn seeds() -> Vec<Value> {
    let right = Code::ALL.iter().map(|code| code.example().right);
    let mut seeds: Vec<Value> =
        right.filter_map(|text| serde_saphyr::from_str(text).ok()).collect();
    seeds.push(json!({
        "version": 1, "name": "shop", "application": "shop", "labels": {"team": "web"}, "timeout": "6h",
        "x-own": {"on": [1, null]},
        "parameters": {"n": {"type": "number", "default": 2}, "r": {"type": "choice", "options": ["eu"], "default": "eu"}},
        "defaults": {"retry": {"limit": 1, "backoff": {"initial": "1s", "factor": 2, "max": "1m"}, "causes": ["error"]}},
        "stages": {
            "a": {"environment": "a", "deploy": {"manifests": ["k8s/"], "wait": {"stableFor": "1m"}, "prune": true}},
            "b": {"needs": ["a", {"stage": "a", "status": "any"}], "when": "parameters.n > 1", "approval": {"minimum": "${{ parameters.n }}"}},
            "c": {"matrix": {"axes": {"r": ["eu", "us"]}, "exclude": [{"r": "us"}]}, "onFailure": "continue", "checks": [{"assert": "true"}]},
            "d": {"http": {"url": "https://x.example/", "body": {"a": [1, "x"]}, "expect": {"status": [200]}, "poll": {"every": "5s"}}},
            "e": {"environment": "a", "needs": ["a"], "rollback": {"to": 3}, "timeout": "1m"},
            "f": {"setVariables": {"x": 1, "y": {"z": true}}},
        },
    }));
    seeds
}

/// What edits put in.
fn pieces() -> Vec<Value> {
    let key = |key: &str| json!({key: 1});
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e300),
        json!(4_294_967_296_u64),
        json!(""),
        json!("x"),
        json!("5s"),
        json!("5"),
        json!("${{ parameters.n }}"),
        json!("${{ 1 }} and"),
        json!("eu"),
        json!("hold"),
        json!("any"),
        json!([]),
        json!([1]),
        json!(["x"]),
        json!([["x"]]),
        json!({}),
        key("duration"),
        key("x-y"),
        json!({"duration": "5s"}),
        json!({"stage": "a"}),
        json!("true"),
        json!("no"),
        json!("2026-12-24T18:00:00Z"),
        json!([{"assert": "true"}]),
        json!("user:mo"),
    ]
}

#[derive(Clone, Debug)]
enum Edit {
    Remove,
    Rename(&'static str),
    Replace(usize),
    /// Under a new key, or at the end of a list.
    Add(&'static str, usize),
    /// What stands at another place.
    Splice(usize),
}

/// Every place of a value, as pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| {
            places(value, &format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), found);
        }),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, value)| {
            places(value, &format!("{at}/{index}"), found);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn edited(mut file: Value, edits: &[(usize, Edit)]) -> Value {
    for (at, edit) in edits {
        let mut found = Vec::new();
        places(&file, "", &mut found);
        let place = found[at % found.len()].clone();
        let other = |at: &usize| file.pointer(&found[at % found.len()]).cloned();
        match edit {
            Edit::Replace(piece) => {
                let pieces = pieces();
                *file.pointer_mut(&place).unwrap() = pieces[piece % pieces.len()].clone();
            }
            Edit::Splice(from) => {
                let value = other(from).unwrap();
                *file.pointer_mut(&place).unwrap() = value;
            }
            Edit::Add(key, piece) => {
                let pieces = pieces();
                let piece = pieces[piece % pieces.len()].clone();
                match file.pointer_mut(&place).unwrap() {
                    Value::Object(entries) => drop(entries.insert((*key).to_owned(), piece)),
                    Value::Array(items) => items.push(piece),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
                }
            }
            Edit::Remove | Edit::Rename(_) => {
                let Some((parent, key)) = place.rsplit_once('/') else { continue };
                let key = key.replace("~1", "/").replace("~0", "~");
                match file.pointer_mut(parent).unwrap() {
                    Value::Object(entries) => {
                        let value = entries.remove(&key).unwrap();
                        if let Edit::Rename(to) = edit {
                            entries.insert((*to).to_owned(), value);
                        }
                    }
                    Value::Array(items) => drop(items.remove(key.parse().unwrap())),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
                }
            }
        }
    }
    file
}

const KEYS: [&str; 14] = [
    "name",
    "version",
    "stages",
    "wait",
    "deploy",
    "needs",
    "when",
    "timeout",
    "Stage",
    "x-a",
    "environment",
    "status",
    "a-b",
    "",
];

fn edit() -> impl Strategy<Value = Edit> {
    let key = (0..KEYS.len()).prop_map(|at| KEYS[at]);
    prop_oneof![
        Just(Edit::Remove),
        key.clone().prop_map(Edit::Rename),
        any::<usize>().prop_map(Edit::Replace),
        (key, any::<usize>()).prop_map(|(key, piece)| Edit::Add(key, piece)),
        any::<usize>().prop_map(Edit::Splice),
    ]
}

/// What the program refuses and no schema can: the whole list of differences. Each code stands for
/// one thing that hangs on other places of the file, on files beside it, or on a grammar of its own.
fn is_beyond_a_schema(code: Code, message: &str) -> bool {
    match code {
        // Needs name stages that are there, and form no ring.
        Code::E002 | Code::E003 => true,
        // Expressions: CEL, what it reads, and where `${{ }}` may stand within a text.
        Code::E005 | Code::E006 | Code::E020 => true,
        // Forms with a grammar: instants, regular expressions, durations that are too long.
        Code::E008 => true,
        // Manifests, their images, and who deploys where.
        Code::E011 | Code::E017 | Code::E018 => true,
        Code::E016 => BEYOND.iter().any(|words| message.contains(words)),
        _ => false,
    }
}

/// E016 for what hangs on more than one place, or has a grammar of its own.
const BEYOND: &[&str] = &[
    // One of two keys, or one that needs another.
    "needs `duration` or `until`",
    "not both",
    "lacks `environment`",
    "lacks `options`",
    "takes no `options`",
    "is required and has a default",
    "the default of",
    "than `initial`",
    // Names of other places.
    "the matrix has no axis",
    "names every axis",
    "needs",
    "axis",
    "matrix",
    "cell",
    // Grammars: image references, URLs, headers, names of components and axes, environments.
    "is not an image reference",
    "is no environment",
    "URL",
    "header",
    "`http`",
    "is set by the engine",
    "is empty",
    "must come to",
    // A job has one of two keys, and so has a variable's source; names of variables have a grammar.
    "nothing to run",
    "give either",
    "does not go with",
    "no name of a variable",
    // What an expression came to when a run starts.
    "unknown variant",
    "did not match any variant",
    // A number of which readers of YAML make different things, and what an expression came to.
    "is not the same number",
    "invalid type",
    // Values that only the program weighs.
    "must be longer than nothing",
    "must be at least 1s",
    "sends",
    "whole number",
    // A text twice in a list.
    "twice",
    // What a trigger hands over, and to which of its own events a filter speaks.
    "there is no parameter",
    "parameter ",
    "says nothing about the `events`",
    "cannot start itself",
    "names none of",
    "names several of",
];

/// The same edits on every machine; `GENNAKER_EDITS=<n>` asks for as many others.
fn edits_to_try() -> ProptestConfig {
    let asked = std::env::var("GENNAKER_EDITS").ok().and_then(|text| text.parse().ok());
    match asked {
        Some(cases) => ProptestConfig::with_cases(cases),
        None => ProptestConfig { rng_seed: RngSeed::Fixed(1), ..ProptestConfig::with_cases(1_500) },
    }
}

proptest! {
    #![proptest_config(edits_to_try())]
    #[test]
    fn edited_files_are_refused_by_the_program_if_and_only_if_by_the_schema(
        seed in any::<prop::sample::Index>(),
        edits in prop::collection::vec((any::<usize>(), edit()), 1..4),
    ) {
        thread_local! {
            static SCHEMA: jsonschema::Validator =
                jsonschema::draft7::new(&Published::new().root).unwrap();
            static SEEDS: Vec<Value> = seeds();
        }
        let file = SEEDS.with(|seeds| edited(seed.get(seeds).clone(), &edits));
        let refused = SCHEMA.with(|schema| {
            schema.iter_errors(&file).next().map(|fault| fault.to_string())
        });
        let (_, told) = told(&file.to_string());
        let errors = told.iter().filter(|it| it.severity == Severity::Error && it.code != Code::E004);
        let errors: Vec<(Code, &str)> = errors.map(|it| (it.code, it.message.as_str())).collect();
        match refused {
            Some(fault) => prop_assert!(!errors.is_empty(), "only the schema: {fault}\n{file}"),
            None => {
                let own = errors.iter().find(|(code, message)| !is_beyond_a_schema(*code, message));
                prop_assert!(own.is_none(), "only the program: {own:?}\n{file}");
            }
        }
    }
}
