//! Values that secrets have, how others may write them, and what would give them away.

use base64::{Engine, engine::general_purpose};

fn url(secret: &str, keep: &str) -> String {
    let letter = |byte: u8| match byte.is_ascii_alphanumeric() || keep.contains(char::from(byte)) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    secret.bytes().map(letter).collect()
}

/// Encoded as servers and people do it.
pub(super) fn forms(secret: &str) -> Vec<String> {
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
pub(super) fn traces(secret: &str) -> Vec<Vec<u8>> {
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
pub(super) fn planted() -> Vec<String> {
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
        "${{ secrets.OTHER }}",
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
