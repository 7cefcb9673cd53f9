//! Fifty secrets go everywhere by HTTP, and come back in every way.

use super::{Bench, search::Search, values::planted};
use std::{
    fs,
    time::{Duration, Instant},
};

/// The stages that send one secret everywhere.
fn stages(index: usize, value: &str) -> String {
    let secret = format!("${{{{ secrets.S{index} }}}}");
    let is_header = value.trim() == value && !value.contains(|it: char| it.is_control());
    let header =
        if is_header { format!("headers: {{x-token: \"{secret}\"}}, ") } else { String::new() };
    let body = format!(
        "method: POST, idempotent: true, {header}body: {{token: \"{secret}\", more: [\"b {secret} a\"]}}"
    );
    let text = format!("method: POST, idempotent: true, body: \"{secret}\"");
    format!(
        "  json{index}: {{http: {{url: SERVER/json, {body}}}}}\n  \
           vars{index}: {{needs: [json{index}], onFailure: continue, setVariables: {{a: \"${{{{ stages.json{index}.outputs.json.forms }}}}\"}}}}\n  \
           said{index}: {{onFailure: continue, http: {{url: SERVER/json, {body}, expect: {{assert: \"json.secret == 'x'\"}}}}}}\n  \
           fail{index}: {{onFailure: continue, http: {{url: SERVER/fail, {text}}}}}\n  \
           cut{index}: {{onFailure: continue, http: {{url: SERVER/cut, {text}}}}}\n  \
           form{index}: {{onFailure: continue, http: {{url: SERVER/form, {text}}}}}\n"
    )
}

#[test]
fn fifty_secrets_are_echoed_back_and_found_nowhere() {
    let bench = Bench::new(planted());
    let mut all: String =
        bench.values.iter().enumerate().map(|(index, value)| stages(index, value)).collect();
    all.push_str(
        "  ask: {needs: [json0], approval: {excludeTriggerer: false, message: \"${{ stages.json0.outputs.json.inner }}\"}}\n  \
           poll: {onFailure: continue, timeout: 3s, http: {url: SERVER/fail, headers: {x: \"${{ secrets.S3 }}\"}, poll: {every: 1s}}}\n  \
           lost: {http: {url: SERVER/lost, method: POST, body: \"${{ secrets.S4 }}\"}}\n",
    );
    let file = bench.file(&all);
    let state = bench.state();
    let mut search = Search::new(&state, &[]);
    let log = fs::File::create(bench.folder.path().join("log")).unwrap();
    let out = fs::File::create(bench.folder.path().join("out")).unwrap();
    let mut command = bench.command(&["run", &file, "--watch", "-o", "json"]);
    command.env("GENNAKER_LOG", "trace,sqlx=warn").stdout(out).stderr(log);
    let mut run = command.spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        assert!(Instant::now() < deadline, "the run never came to its questions");
        let why = bench.told(&["why", "latest"]);
        let is_busy = ["running", "attempt"].iter().any(|word| why.contains(word));
        if why.contains("lost: waiting: was") && why.contains("ask: waiting") && !is_busy {
            break;
        }
    }
    search.ask_the_engine(&["json0", "lost"]);
    search.ask_the_program(&file);
    assert_eq!(bench.told(&["approve", "latest", "ask"]).trim(), "recorded");
    assert_eq!(bench.told(&["answer", "yes", "latest", "lost"]).trim(), "recorded");
    let ended = run.wait().unwrap();
    assert_eq!(ended.code(), Some(0), "{}", bench.told(&["why", "latest"]));
    search.ask_the_program(&file);

    let heard = bench.heard().join("\n");
    for value in &bench.values {
        let json = serde_json::to_string(value).unwrap();
        assert!(heard.contains(&json[1..json.len() - 1]), "{value:?} was never sent");
    }
    for name in ["log", "out"] {
        search.add(name, fs::read(bench.folder.path().join(name)).unwrap());
    }
    search.look_into_the_state();
    search.finds_none_of(&bench.values);
}
