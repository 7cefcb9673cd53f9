//! Diagnostics as SARIF 2.1.0 (OASIS), which code hosts and editors read.

use super::{Code, JsonDiagnostic};
use serde_json::{Value, json};

/// One log with one run: every code as a rule, every finding as a result.
pub fn sarif(diagnostics: &[JsonDiagnostic]) -> Value {
    let rules: Vec<Value> = Code::ALL.iter().map(|code| rule(*code)).collect();
    let results: Vec<Value> = diagnostics.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "gennaker",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.word(),
        "fullDescription": {"text": code.explain()},
        "defaultConfiguration": {"level": code.severity().word()},
    })
}

fn result(it: &JsonDiagnostic) -> Value {
    let text = match &it.help {
        None => it.message.clone(),
        Some(help) => format!("{}: {help}", it.message),
    };
    json!({
        "ruleId": it.code,
        "level": it.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": it.file},
            "region": {
                "startLine": it.line,
                "startColumn": it.column,
                "endLine": it.end_line,
                "endColumn": it.end_column,
            },
        }}],
    })
}
