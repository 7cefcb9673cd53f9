//! Secrets are sent where their authors want them, and are found nowhere else.

use crate::program::{Talking, gennaker, pipeline};
use base64::{Engine, engine::general_purpose};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Arc, Mutex},
};
use tempfile::TempDir;

/// A server that says whatever it is told, in every way that servers have.
struct Echo {
    address: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Echo {
    fn start() -> Echo {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let remembered = heard.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let remembered = remembered.clone();
                std::thread::spawn(move || answer(stream, &remembered));
            }
        });
        Echo { address, heard }
    }
}

fn answer(mut stream: TcpStream, heard: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut head, mut line, mut length) = (Vec::new(), Vec::new(), 0);
    while reader.read_until(b'\n', &mut line).unwrap_or(0) > 2 {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if let Some((name, value)) = text.split_once(": ")
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.parse().unwrap();
        }
        head.push(text);
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body = String::from_utf8(body).unwrap();
    heard.lock().unwrap().push(format!("{}\n\n{body}", head.join("\n")));
    let path = head.first().map(|it| it.split(' ').nth(1).unwrap().to_owned()).unwrap_or_default();
    let said = serde_json::from_str::<Value>(&body).ok();
    let secret = said.as_ref().and_then(|it| it["token"].as_str()).unwrap_or(&body).to_owned();
    let (status, answered) = match path.as_str() {
        "/json" => (200, everything(&head, &body, &secret).to_string()),
        "/fail" => (500, format!("refused {secret}")),
        "/cut" => (500, format!("{} {secret}", "x".repeat(180))),
        "/form" => (500, format!("a={}", forms(&secret).join("&"))),
        // Nothing is said.
        _ => return,
    };
    let length = answered.len();
    let head = format!("HTTP/1.1 {status} x\r\nx-seen: 1\r\ncontent-length: {length}");
    drop(stream.write_all(format!("{head}\r\nconnection: close\r\n\r\n{answered}").as_bytes()));
}

fn everything(head: &[String], body: &str, secret: &str) -> Value {
    let inner = json!({ "token": secret }).to_string();
    let number: Value = secret.parse::<u64>().map_or(Value::Null, Value::from);
    json!({
        "head": head, "body": body, "secret": secret, "nested": {"deep": [{"it": secret}]},
        "number": number, "inner": inner, "forms": forms(secret), "keys": {secret: 1},
        "lines": secret.lines().collect::<Vec<_>>(),
    })
}

fn url(secret: &str, keep: &str) -> String {
    let letter = |byte: u8| match byte.is_ascii_alphanumeric() || keep.contains(char::from(byte)) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    secret.bytes().map(letter).collect()
}

/// Encoded as servers and people do it.
fn forms(secret: &str) -> Vec<String> {
    let basic = |before: &str| general_purpose::STANDARD.encode(format!("{before}{secret}:x"));
    vec![
        basic(""),
        basic("a"),
        basic("ab"),
        general_purpose::URL_SAFE.encode(secret),
        hex::encode(secret),
        hex::encode_upper(secret),
        url(secret, "-_.~"),
        url(secret, "-_.~!*'();:@&=+$,/?#"),
        url(secret, "-_.~ ").replace(' ', "+"),
    ]
}

/// What would give `secret` away, wherever it stood: the letters of base64 are those that no
/// neighbour changes.
fn traces(secret: &str) -> Vec<Vec<u8>> {
    let mut traces: Vec<Vec<u8>> = vec![secret.into(), hex::encode(secret).into()];
    traces.push(hex::encode_upper(secret).into());
    let json = serde_json::to_string(secret).unwrap();
    traces.push(json[1..json.len() - 1].into());
    traces.push(url(secret, "-_.~").into());
    traces.push(url(secret, "-_.~ ").replace(' ', "+").into());
    traces.push(url(secret, "-_.~!*'();:@&=+$,/?#").into());
    for engine in [&general_purpose::STANDARD, &general_purpose::URL_SAFE] {
        for before in 0..3 {
            let text = engine.encode([&b"\0\0"[..before], secret.as_bytes()].concat());
            let from = [0, 2, 3][before];
            traces.push(text[from..(before + secret.len()) * 8 / 6].into());
        }
    }
    traces.extend(secret.lines().filter(|line| line.len() >= 8).map(Into::into));
    traces
}

/// Fifty values, and how they are likely to look.
fn planted() -> Vec<String> {
    let noise = |length: usize, seed: usize| -> String {
        let letters = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789";
        let step = |at: usize| (at * 7919 + seed * 104_729 + at * at * 31 + seed * at * 17) % 57;
        (0..length).map(|at| char::from(letters[step(at)])).collect()
    };
    let mut values: Vec<String> =
        [5, 6, 7, 8, 9, 10, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 256, 512, 1024, 2000]
            .into_iter()
            .map(|length| noise(length, length))
            .collect();
    let odd = [
        "hunter2!",
        "90817263",
        "4711000815",
        "pa ss wo rd",
        " leading",
        "trailing ",
        "tab\tbed",
        "quo\"te'd",
        "back\\slash\\n",
        "sla/sh/es//",
        "a=b&c=d;e",
        "per%cent%41",
        "plus+plus+",
        "<script>x</script>",
        "&amp;&lt;x",
        "{\"json\": \"inside\"}",
        "[1,2,3,\"x\"]",
        "${{ secrets.S0 }}",
        "$(whoami)`id`",
        "\u{e4}\u{f6}\u{fc}\u{df}\u{20ac}",
        "\u{5bc6}\u{7801}\u{5bc6}\u{7801}",
        "\u{1f511}\u{1f512}key",
        "e\u{301}combined",
        "\u{1}\u{2}\u{3}\u{1b}[31m",
        "Zm9vYmFyYmF6cXV4",
        "deadbeefcafe1234",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\nAQEFAASCBKcwggSjAgEAAoIB\n-----END PRIVATE KEY-----",
        "two\nlines-of-it",
        "windows\r\nline-ends\r\nhere",
        "https://me:s3cr3tpw@example.com/?x=1#y",
    ];
    values.extend(odd.map(str::to_owned));
    assert_eq!(values.len(), 50);
    values
}

struct Bench {
    folder: TempDir,
    echo: Echo,
    values: Vec<String>,
}

impl Bench {
    /// Every second value is a file, the others are variables.
    fn new(values: Vec<String>) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("secrets")).unwrap();
        for (index, value) in values.iter().enumerate().filter(|(index, _)| index % 2 == 1) {
            fs::write(folder.path().join(format!("secrets/S{index}")), value).unwrap();
        }
        Bench { folder, echo: Echo::start(), values }
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = gennaker(&self.state(), arguments);
        command.arg("--secrets-directory").arg(self.folder.path().join("secrets"));
        for (index, value) in self.values.iter().enumerate().filter(|(index, _)| index % 2 == 0) {
            command.env(format!("GENNAKER_SECRET_S{index}"), value);
        }
        command
    }

    fn file(&self, stages: &str) -> String {
        let text = format!(
            "version: 1\nname: leak\nstages:\n{}",
            stages.replace("SERVER", &self.echo.address)
        );
        pipeline(self.folder.path(), "leak.yaml", &text)
    }

    /// What the command said, without the secrets at hand.
    fn told(&self, arguments: &[&str]) -> String {
        let output = gennaker(&self.state(), arguments).output().unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    fn heard(&self) -> Vec<String> {
        self.echo.heard.lock().unwrap().clone()
    }
}

#[test]
fn a_secret_reaches_headers_and_body_and_what_it_was_is_told_to_nobody() {
    let bench = Bench::new(vec!["correct-horse".to_owned(), "battery \"staple\"".to_owned()]);
    let file = bench.file(
        "  ask:\n    http:\n      url: SERVER/json\n      method: POST\n      \
         headers: {Authorization: \"Bearer ${{ secrets.S0 }}\"}\n      \
         body: {token: \"${{ secrets.S1 }}\", both: [\"${{ secrets.S0 }}/${{ run.number }}/${{ secrets.S1 }}\"]}\n  \
           read: {needs: [ask], checks: [{assert: \"stages.ask.outputs.json.secret == '***'\"}, {assert: \"stages.ask.outputs.json.inner.contains('***') && !stages.ask.outputs.json.inner.contains('staple')\"}]}\n  \
           whole: {needs: [ask], http: {url: SERVER/fail, method: POST, body: \"${{ secrets.S0 }}\"}}\n",
    );
    let plan = bench.told(&["plan", &file]);
    assert!(plan.contains("Bearer ${{ secrets.S0 }}"), "{plan}");
    let output = bench.command(&["run", &file, "-o", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    let heard = bench.heard();
    assert!(heard[0].contains("authorization: Bearer correct-horse\n"), "{heard:?}");
    let body = r#"{"both":["correct-horse/1/battery \"staple\""],"token":"battery \"staple\""}"#;
    assert!(heard[0].ends_with(body), "{heard:?}");
    assert!(heard[1].ends_with("\n\ncorrect-horse"), "{heard:?}");
    let run: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(run["stages"]["read"]["status"], "succeeded", "{run:#}");
    let reason = run["stages"]["whole"]["reason"].as_str().unwrap();
    assert!(reason.ends_with("refused ***"), "{reason}");
}

#[test]
fn a_secret_without_a_value_starts_nothing_and_one_that_vanished_fails_its_stage() {
    let bench = Bench::new(vec!["first".to_owned(), "second".to_owned()]);
    let file =
        bench.file("  ask: {http: {url: SERVER/json, headers: {x: \"${{ secrets.NONE }}\"}}}\n");
    let output = bench.command(&["run", &file]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("error[E007]: there is no secret `NONE`"), "{said}");
    assert!(
        said.contains("GENNAKER_SECRET_NONE is not set, and")
            && said.contains("/secrets/NONE does not exist"),
        "{said}"
    );
    assert!(bench.told(&["validate", &file]).contains("is valid"), "values are the engine's");

    let file = bench.file(
        "  go: {approval: {excludeTriggerer: false}}\n  \
           ask: {needs: [go], http: {url: SERVER/json, headers: {x: \"${{ secrets.S1 }}\"}}}\n",
    );
    let mut run = Talking::start(bench.command(&["run", &file, "--watch"]).stdout(Stdio::null()));
    run.until("go: ");
    fs::remove_file(bench.folder.path().join("secrets/S1")).unwrap();
    assert_eq!(bench.told(&["approve", "latest"]).trim(), "recorded");
    assert_eq!(run.code(), Some(5));
    let why = bench.told(&["why", "latest", "ask"]);
    assert!(why.contains("there is no secret `S1`"), "{why}");
    assert_eq!(bench.heard().len(), 0);
}

#[test]
fn a_secret_may_stand_in_headers_and_body_and_nowhere_else() {
    let bench = Bench::new(Vec::new());
    for (stage, told) in [
        ("http: {url: \"SERVER/${{ secrets.S0 }}\"}", "no secret may stand in `url`"),
        ("http: {url: SERVER, headers: {\"${{ secrets.S0 }}\": x}}", "is no name of a header"),
        (
            "http: {url: SERVER, expect: {assert: \"json.x == secrets.S0\"}}",
            "`secrets` is not known here",
        ),
        ("http: {url: SERVER, body: \"${{ secrets.S0 + 'x' }}\"}", "a secret stands alone"),
        ("http: {url: SERVER, body: {\"$secretText\": []}}", "is the engine's own"),
        ("setVariables: {a: \"${{ secrets.S0 }}\"}", "no secret may stand in `a`"),
        ("approval: {message: \"${{ secrets.S0 }}\"}", "no secret may stand in `message`"),
        (
            "environment: \"${{ secrets.S0 }}\"\n    waitForReady: {}",
            "no secret may stand in `environment`",
        ),
    ] {
        let file = bench.file(&format!("  a:\n    {stage}\n"));
        let said = bench.told(&["validate", &file]);
        assert!(said.contains(told), "{stage}: {said}");
    }
    let file = bench.file("  a: {http: {url: SERVER, method: POST, headers: {x: \"a ${{ secrets.S0 }}\"}, body: {x: [\"${{ secrets.S0 }}\"]}}}\n");
    let said = bench.told(&["validate", &file]);
    assert!(said.contains("is valid"), "{said}");
}

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

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    entries.filter(|path| !path.to_string_lossy().ends_with(".sock")).flat_map(of).collect()
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
    let log = fs::File::create(bench.folder.path().join("log")).unwrap();
    let out = fs::File::create(bench.folder.path().join("out")).unwrap();
    let mut command = bench.command(&["run", &file, "--watch", "-o", "json"]);
    command.env("GENNAKER_LOG", "trace,sqlx=warn").stdout(out).stderr(log);
    let mut run = command.spawn().unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(120);
    let mut said = Vec::new();
    loop {
        assert!(std::time::Instant::now() < deadline, "the run never came to its questions");
        let why = bench.told(&["why", "latest"]);
        let is_busy = ["running", "attempt"].iter().any(|word| why.contains(word));
        if why.contains("lost: waiting: was") && why.contains("ask: waiting") && !is_busy {
            said.push(why);
            break;
        }
    }
    for path in ["runs", "runs/latest"] {
        said.push(crate::people::ask(&bench.state(), &format!("/api/v1/{path}")));
    }
    said.push(bench.told(&["describe", "run", "latest", "-o", "json"]));
    said.push(bench.told(&["describe", "run", "latest"]));
    assert_eq!(bench.told(&["approve", "latest", "ask"]).trim(), "recorded");
    assert_eq!(bench.told(&["answer", "yes", "latest", "lost"]).trim(), "recorded");
    let ended = run.wait().unwrap();
    assert_eq!(ended.code(), Some(0), "{}", bench.told(&["why", "latest"]));
    said.push(bench.told(&["watch", "latest"]));
    said.push(bench.told(&["why", "latest"]));

    let heard = bench.heard().join("\n");
    for value in &bench.values {
        let json = serde_json::to_string(value).unwrap();
        assert!(heard.contains(&json[1..json.len() - 1]), "{value:?} was never sent");
    }
    let mut looked: Vec<(String, Vec<u8>)> =
        said.into_iter().map(|said| ("an answer".to_owned(), said.into_bytes())).collect();
    for path in files(&bench.state())
        .into_iter()
        .chain(["log", "out"].map(|it| bench.folder.path().join(it)))
    {
        looked.push((path.display().to_string(), fs::read(&path).unwrap()));
    }
    let bytes: usize = looked.iter().map(|(_, text)| text.len()).sum();
    println!("{} places, {bytes} bytes, {} values", looked.len(), bench.values.len());
    let mut hits = Vec::new();
    for (place, text) in &looked {
        let finder =
            aho_corasick::AhoCorasick::new(bench.values.iter().flat_map(|it| traces(it))).unwrap();
        for found in finder.find_overlapping_iter(text) {
            let around =
                &text[found.start().saturating_sub(60)..(found.end() + 20).min(text.len())];
            hits.push(format!("{place}: {}", String::from_utf8_lossy(around)));
        }
    }
    assert!(hits.is_empty(), "{} hits: {:#?}", hits.len(), &hits[..hits.len().min(10)]);
}
