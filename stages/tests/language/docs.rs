//! The pages of `docs/` that are made of what the program knows: the reference, the defaults, the
//! diagnostics, the functions of expressions. `UPDATE=1` writes them anew.

use crate::{registry, schema::Published, told};
use engine_core::{
    diagnostic::{Code, Colour, Severity, human},
    expression::{FUNCTIONS, Form},
    limits::LIMITS,
    plan::Timeout,
    wording,
};
use serde_json::Value;
use std::{fmt::Write, path::PathBuf};

const MADE: &str = "<!-- Made by `UPDATE=1 cargo test -p stages --test language`. -->\n";

fn page(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")).join(name)
}

/// Holds a page against what it should be, or writes it.
fn held(name: &str, made: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(page(name), made).unwrap();
    }
    let written = std::fs::read_to_string(page(name)).unwrap_or_default();
    assert!(made == written, "docs/{name} is not what it would be: run with `UPDATE=1`");
}

/// A value as one writes it in a file, on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let entry = |(key, value): (&String, &Value)| format!("{key}: {}", flow(value));
            format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", "))
        }
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_plain(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-/._ ".contains(&byte);
    text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic()) && text.bytes().all(fits)
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn code(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("`{}`", cell(text)) }
}

/// What may stand at a place, in words.
fn shape(schema: &Value) -> String {
    let all = |union: &Value| union.as_array().into_iter().flatten().map(shape).collect::<Vec<_>>();
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.trim_start_matches("#/definitions/");
        return format!("[{name}](#{})", name.to_lowercase());
    }
    for union in ["allOf", "anyOf", "oneOf"] {
        if schema.get(union).is_some() {
            let mut words = all(&schema[union]);
            words.dedup();
            return words.join(" or ");
        }
    }
    let words = |values: &[Value]| values.iter().map(|it| code(&flow(it))).collect::<Vec<_>>();
    match (&schema["enum"], schema.get("const"), schema["type"].as_str()) {
        (Value::Array(values), ..) => words(values).join(" or "),
        (_, Some(value), _) => code(&flow(value)),
        (_, _, Some("string")) => match schema["pattern"].as_str() {
            Some("\\$\\{\\{") => "`${{ }}`".to_owned(),
            Some("^[0-9]+[smhd]$") => "a duration".to_owned(),
            Some(_) | None => "text".to_owned(),
        },
        (_, _, Some("integer")) => "a whole number".to_owned(),
        (_, _, Some("number")) => "a number".to_owned(),
        (_, _, Some("boolean")) => "`true` or `false`".to_owned(),
        (_, _, Some("array")) => format!("a list of {}", shape(&schema["items"])),
        (_, _, Some("object")) => format!("a map to {}", shape(&schema["additionalProperties"])),
        _ => "anything".to_owned(),
    }
}

/// What a map may have; in that of a stage, the keys of stage types say what the types are.
fn table(schema: &Value, published: &Published, out: &mut String) {
    let Some(properties) = schema["properties"].as_object() else {
        writeln!(out, "{}.", shape(schema)).unwrap();
        if let Some(example) = schema["examples"].get(0) {
            writeln!(out, "\nSuch as {}.", code(&flow(example))).unwrap();
        }
        return;
    };
    writeln!(out, "| key | value | default | meaning | example |\n|---|---|---|---|---|").unwrap();
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (key, schema) in properties {
        let default = match (required.contains(&key.as_str()), schema.get("default")) {
            (true, _) => "required".to_owned(),
            (false, Some(default)) => code(&flow(default)),
            (false, None) => String::new(),
        };
        let is_stage_type =
            properties.contains_key("needs") && registry().stages.get(key).is_some();
        let (described, example) = match is_stage_type {
            true => (&published.root["definitions"][key], Some(published.action(key))),
            false => (schema, schema["examples"].get(0).cloned()),
        };
        let example = example.map(|it| format!("{key}: {}", flow(&it)));
        let meaning = described["description"].as_str().unwrap_or_default();
        let (shape, meaning) = (shape(schema), cell(meaning));
        let example = code(&example.unwrap_or_default());
        writeln!(out, "| `{key}` | {shape} | {default} | {meaning} | {example} |").unwrap();
    }
}

#[test]
fn the_reference_says_what_the_schema_says() {
    let published = Published::new();
    let mut out = format!("{MADE}\n# The pipeline language, key by key\n\n");
    out.push_str(
        "One file is one pipeline. What may hold expressions says `${{ }}`: see [expressions](expressions.md).\n\
         Keys at the top that begin with `x-` are free: they are a place for anchors. A stage has exactly one key\n\
         that says what it does: ",
    );
    let types: Vec<String> = registry()
        .stages
        .names()
        .map(|name| format!("[{name}](#{})", name.to_lowercase()))
        .collect();
    writeln!(out, "{}.\n\n## The file\n", types.join(", ")).unwrap();
    table(&published.root, &published, &mut out);
    for (name, schema) in published.definitions() {
        writeln!(out, "\n## {name}\n").unwrap();
        if let Some(description) = schema["description"].as_str() {
            writeln!(out, "{description}\n").unwrap();
        }
        table(schema, &published, &mut out);
    }
    held("reference.md", &out);
}

#[test]
fn every_default_is_told() {
    let published = Published::new();
    let mut out = format!("{MADE}\n# What holds where nothing is written\n\n");
    out.push_str("`gennaker plan` shows these values in their places.\n\n| where | key | default |\n|---|---|---|\n");
    let root = ("the file".to_owned(), &published.root);
    let definitions = published.definitions().map(|(name, schema)| (name.clone(), schema));
    for (name, schema) in std::iter::once(root).chain(definitions) {
        for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(default) = schema.get("default") {
                writeln!(out, "| {name} | `{key}` | {} |", code(&flow(default))).unwrap();
            }
        }
    }
    out.push_str("\n## How long one attempt may take\n\n| stage type | `timeout` | `environment` |\n|---|---|---|\n");
    let registry = registry().stages;
    for name in registry.names() {
        let traits = registry.get(name).map(|stage| stage.traits()).unwrap();
        let timeout = match traits.default_timeout {
            Timeout::Never => "none".to_owned(),
            Timeout::AfterMs(limit_ms) => wording::duration(limit_ms),
        };
        let environment = format!("{:?}", traits.environment).to_lowercase();
        writeln!(out, "| {name} | {timeout} | {environment} |").unwrap();
    }
    held("defaults.md", &out);
}

#[test]
fn every_limit_is_told() {
    let mut out = format!("{MADE}\n# Limits\n\n");
    out.push_str(
        "Nobody needs as much; they keep what a hostile file or request may cost small. A file that exceeds one is\n\
         refused by `E015`, or by the code of the value that does, with the figure. What an expression may cost stands\n\
         in [expressions](expressions.md). A file beside a pipeline has at most 1 MiB, and all that one pipeline reads\n\
         at most 2,000 files and 6 MiB; of a folder tree at most 50,000 entries are looked at. A request to the API\n\
         has at most 8 MiB and 20,000 values.\n\n\
         Of a repository, the mirror has at most 2 GiB on disk, with 50,000 branches and tags, and folders 128 deep. One\n\
         reading of it takes at most 50,000 files where they are looked for, 2 MiB of one file and 10 MiB of all. Asking for\n\
         its branches may take 30 seconds, a fetch 5 minutes, and a process of git 4 GiB of address space.\n\n| what | at most |\n|---|---|\n",
    );
    for limit in &LIMITS {
        let most = wording::count(limit.most);
        writeln!(out, "| {} | {} |", limit.what, format!("{most} {}", limit.unit).trim_end())
            .unwrap();
    }
    held("limits.md", &out);
}

#[test]
fn the_page_of_diagnostics_shows_every_code() {
    let mut out = format!("{MADE}\n# What diagnostics mean\n\n");
    out.push_str(
        "`gennaker explain CODE` says the same. Errors keep a file from becoming a plan; warnings do so only\n\
         under `validate --strict`. Beside each of these files stands `k8s/web.yaml`, a Deployment of\n\
         `registry.example.com/shop/web`.\n",
    );
    for code in Code::ALL {
        let example = code.example();
        let (file, told) = told(example.wrong);
        let kind = match code.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        writeln!(out, "\n## {code}\n\nAn {kind}. {}\n", code.explain()).unwrap();
        writeln!(out, "```yaml\n{}```\n", example.wrong).unwrap();
        writeln!(out, "```text\n{}```\n", human(&file, &told, Colour::Never)).unwrap();
        writeln!(out, "Right:\n\n```yaml\n{}```", example.right).unwrap();
    }
    held("diagnostics.md", &out.replace("An warning", "A warning"));
}

#[test]
fn the_page_of_expressions_lists_every_function() {
    let (begin, end) = ("<!-- functions -->\n", "<!-- /functions -->\n");
    let written = std::fs::read_to_string(page("expressions.md")).unwrap();
    let (before, rest) = written.split_once(begin).unwrap();
    let (_, after) = rest.split_once(end).unwrap();
    let mut made = format!("{before}{begin}| function | example | value |\n|---|---|---|\n");
    for function in FUNCTIONS {
        let name = match function.form {
            Form::Function => format!("{}(…)", function.name),
            Form::Method => format!("….{}(…)", function.name),
        };
        let (example, value) = function.example;
        writeln!(made, "| `{name}` | {} | {} |", code(example), code(value)).unwrap();
    }
    held("expressions.md", &format!("{made}{end}{after}"));
}
