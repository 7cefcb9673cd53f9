//! Fifty secrets reach jobs on a real cluster, which print and report them in every form.

use super::{
    Bench,
    search::Search,
    values::{forms, planted},
};
use crate::{
    cluster::{Audit, Room, kubeconfig, kubectl},
    program::Talking,
};
use serde_json::{Value, json};
use std::{
    fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

/// The stages of one secret: a job that gives it away and then succeeds or fails, and a reader of
/// its outputs. Encoded forms are at hand in the cluster, as a program would make them itself.
fn stages(index: usize, forms: usize) -> String {
    let said: Vec<String> = (0..forms).map(|form| format!("$(F{form})")).collect();
    let instructions = [
        "environment".to_owned(),
        "log said $(S) and $(S)".to_owned(),
        format!("log forms {}", said.join(" ")),
        "lines 3 counted $(S)".to_owned(),
        format!("message {{\"said\": \"$(S)\", \"forms\": \"{}\"}}", said.join(" ")),
        format!("exit {}", index % 2 * 3),
    ];
    let mut env = json!({"S": format!("${{{{ secrets.S{index} }}}}")});
    for form in 0..forms {
        let reference = json!({"name": "forms", "key": format!("f{index}-{form}")});
        env[format!("F{form}")] = json!({ "secretKeyRef": reference });
    }
    let job = json!({"image": "fate.test/script", "args": instructions, "env": env});
    format!(
        "  say{index}: {{environment: ENV, onFailure: continue, timeout: 3m, job: {job}}}\n  \
           read{index}: {{needs: [say{index}], onFailure: continue, setVariables: {{a: \"${{{{ stages.say{index}.outputs }}}}\"}}}}\n"
    )
}

/// What a program would make of the secrets by itself.
fn put_forms(room: &Room, values: &[String]) {
    assert!(kubectl(&["create", "namespace", &room.environment]).status.success());
    let mut data = json!({});
    for (index, value) in values.iter().enumerate() {
        for (form, text) in forms(value).into_iter().enumerate() {
            data[format!("f{index}-{form}")] = Value::from(text);
        }
    }
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "forms"}, "stringData": data});
    let file = room.write("forms.json", &secret.to_string());
    room.kubectl(&["create", "-f", &file]);
}

/// What the cluster says of everything but Secrets; what a program reported stands in its pod.
fn objects(room: &Room) -> Value {
    let mut all = room.get(&["jobs,pods,events,configmaps,serviceaccounts"]);
    for item in all["items"].as_array_mut().unwrap() {
        let statuses = item.pointer_mut("/status/containerStatuses").and_then(Value::as_array_mut);
        for status in statuses.into_iter().flatten() {
            status["state"]["terminated"]["message"] = Value::Null;
        }
    }
    all
}

fn until_asked(room: &Room) {
    let deadline = Instant::now() + Duration::from_secs(180);
    loop {
        let why = room.gennaker(&["why", "latest"]).stdout;
        if why.contains("ask: waiting") {
            return;
        }
        assert!(Instant::now() < deadline, "the jobs never ended: {why}");
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn fifty_secrets_are_printed_by_jobs_and_found_nowhere() {
    let (bench, room) = (Bench::new(planted()), Room::new("leak"));
    put_forms(&room, &bench.values);
    let forms = forms("x").len();
    let (mut all, mut ids) = (String::new(), Vec::new());
    for index in 0..bench.values.len() {
        all.push_str(&stages(index, forms));
        ids.push(format!("say{index}"));
    }
    let needs = format!(
        "[{}]",
        ids.iter().map(|id| format!("{{stage: {id}, status: any}}")).collect::<Vec<_>>().join(", ")
    );
    all.push_str(&format!("  ask: {{needs: {needs}, approval: {{excludeTriggerer: false}}}}\n"));
    let text = format!("version: 1\nname: leak\nstages:\n{all}");
    let file = room.write("leak.yaml", &text);
    let audit = Audit::open();
    let kubeconfig = kubeconfig();
    let mut search = Search::new(&room.state(), &[("KUBECONFIG", &kubeconfig)]);

    let log = fs::File::create(room.path().join("log")).unwrap();
    let mut command = room.command(&["run", &file, "--watch", "-o", "json"]);
    bench.lend(&mut command);
    command.env("GENNAKER_LOG", "debug,sqlx=warn").stderr(log).stdout(Stdio::piped());
    let run = command.spawn().unwrap();
    until_asked(&room);
    let mut follower = room.command(&["logs", "latest", "-f"]);
    let follower = follower.stdout(Stdio::piped()).spawn().unwrap();
    let watched = Talking::start(room.command(&["watch", "latest"]).stdout(Stdio::null()));
    search.ask_the_engine(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    search.ask_the_program(&file);
    assert_eq!(room.gennaker(&["approve", "latest", "ask"]).code, Some(0));
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    search.add("run -o json", output.stdout);
    search.add("logs -f", follower.wait_with_output().unwrap().stdout);
    search.add("the engine's log", fs::read(room.path().join("log")).unwrap());
    search.ask_the_program(&file);
    drop(watched);
    search.look_into_the_state();

    was_printed(&room, &bench.values);
    search.add("the cluster", objects(&room).to_string());
    let asked = audit.of(&room.environment).into_iter();
    let asked = asked.filter(|request| request["objectRef"]["resource"] != "secrets");
    asked.for_each(|request| search.add("a request to the cluster", request.to_string()));
    search.finds_none_of(&bench.values);
}

/// That the programs had what is looked for, and gave it away.
fn was_printed(room: &Room, values: &[String]) {
    let jobs = room.get(&["jobs"]);
    let jobs = jobs["items"].as_array().unwrap();
    assert_eq!(jobs.len(), values.len());
    for job in jobs {
        let stage = job["metadata"]["annotations"]["gennaker.dev/stage"].as_str().unwrap();
        let index: usize = stage.trim_start_matches("say").parse().unwrap();
        let name = job["metadata"]["name"].as_str().unwrap();
        let printed = room.kubectl(&["logs", &format!("job/{name}")]);
        let value = &values[index];
        assert!(printed.contains(&format!("said {value} and {value}")), "{value:?}: {printed}");
    }
}

#[test]
fn a_secret_that_is_also_a_name_keeps_no_job_from_its_end() {
    let room = Room::new("namesake");
    let values = ["jobs", "batch", "namesake", &room.environment];
    let bench = Bench::new(values.map(str::to_owned).to_vec());
    let env: Value = (0..values.len())
        .map(|index| (format!("S{index}"), json!(format!("${{{{ secrets.S{index} }}}}"))))
        .collect::<serde_json::Map<_, _>>()
        .into();
    let job = json!({"image": "fate.test/script", "args": ["environment", "exit 0"], "env": env});
    let stage = format!("  say: {{environment: ENV, timeout: 1m, job: {job}}}\n");
    let file = room.write("job.yaml", &format!("version: 1\nname: namesake\nstages:\n{stage}"));
    let mut command = room.command(&["run", &file, "--watch"]);
    bench.lend(&mut command);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
}
