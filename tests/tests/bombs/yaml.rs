//! Files of YAML: depth, width, aliases, merges, odd bytes, many faults.

use super::{Bomb, GOOD, WAIT, judge, listed, stages};

/// A little less than a file may have.
const LARGE: usize = 512 * 1024;

fn fill(text: &str) -> String {
    text.repeat(LARGE / text.len())
}

fn aliases(levels: usize, width: usize) -> String {
    let mut text = "x-0: &a0 [lol]\n".to_owned();
    for level in 1..levels {
        let inner = vec![format!("*a{}", level - 1); width].join(", ");
        text.push_str(&format!("x-{level}: &a{level} [{inner}]\n"));
    }
    text + GOOD
}

fn merges(levels: usize) -> String {
    let mut text = "x-0: &m0 {k0: a, j0: b}\n".to_owned();
    for level in 1..levels {
        let inner = level - 1;
        text.push_str(&format!(
            "x-{level}: &m{level} {{<<: [*m{inner}, *m{inner}], k{level}: 1}}\n"
        ));
    }
    text + GOOD
}

/// Pieces of YAML, each over and over.
const PIECES: [&str; 34] = [
    "[",
    "{",
    "{a: ",
    "- ",
    "? ",
    "a: &a ",
    "*a ",
    "!!str ",
    "!",
    "|\n",
    ">\n ",
    "---\n",
    "...\n",
    "\"",
    "'",
    "%YAML 1.2\n",
    "#",
    "\t",
    "\u{feff}",
    "é",
    "\u{202e}",
    "\r",
    "a: ",
    "a\n",
    "<<: ",
    ": ",
    ",",
    "&a [*a, ",
    "${{ ",
    "\\x00",
    "!<tag:a> ",
    "0x",
    "1_000 ",
    "k: {<<: *k}\n",
];

fn pieces() -> Vec<Bomb> {
    let alone = |text: &&str| Bomb::file(format!("{text:?} over and over"), fill(text));
    let after = |text: &&str| {
        let filled = fill(text);
        let half = filled.floor_char_boundary(LARGE / 2);
        Bomb::file(format!("{text:?} after a good file"), format!("{GOOD}x-a: {}", &filled[..half]))
    };
    PIECES.iter().map(alone).chain(PIECES.iter().map(after)).collect()
}

fn expanding() -> Vec<Bomb> {
    let mut bombs: Vec<Bomb> = [(9, 9), (30, 2), (2, 101), (40, 1)]
        .map(|(levels, width)| {
            let name = format!("aliases, {levels} levels of {width}");
            Bomb::file(name, aliases(levels, width)).refused()
        })
        .into();
    bombs.push(Bomb::file("merges of merges", merges(24)));
    let long = format!("x-0: &a {}\nx-1: [*a, *a, *a]\n{GOOD}", "b".repeat(400_000));
    bombs.push(Bomb::file("a long text by alias", long).refused());
    let list = format!("x-0: &a [{}]\nx-1: [*a, *a, *a]\n{GOOD}", "1, ".repeat(9_000));
    bombs.push(Bomb::file("a long list by alias", list).refused());
    bombs
}

fn long() -> Vec<Bomb> {
    let key = "k".repeat(400_000);
    let digits = "9".repeat(400_000);
    let odd = |count: usize| (0..count).map(|n| format!("k{n}: 1\n")).collect::<String>();
    let near = |count: usize| (0..count).map(|n| format!("stage{n}: 1\n")).collect::<String>();
    vec![
        Bomb::file("a key of 400,000 characters", format!("{key}: 1\n{GOOD}")).refused(),
        Bomb::file("such a key of a stage", stages(1, |_| format!("{{{key}: 1, {WAIT}}}")))
            .refused(),
        Bomb::file(
            "such an id of a stage",
            format!("{GOOD}x-s: 1\n").replace("a:", &format!("? {key}\n:")),
        ),
        Bomb::file(
            "a description of 500,000",
            format!("{GOOD}description: {}\n", "d".repeat(500_000)),
        ),
        Bomb::file("a number of 400,000 digits", format!("{GOOD}x-n: {digits}\n")),
        Bomb::file(
            "such a duration",
            stages(1, |_| format!("{{wait: {{duration: \"{digits}s\"}}}}")),
        )
        .refused(),
        Bomb::file(
            "such an exponent",
            stages(1, |_| format!("{{setVariables: {{a: 1e{digits}}}}}")),
        )
        .refused(),
        Bomb::file("such an instant", stages(1, |_| format!("{{wait: {{until: \"{digits}\"}}}}")))
            .refused(),
        Bomb::file("9,000 unknown keys", odd(9_000) + GOOD).refused(),
        Bomb::file("9,000 keys that are nearly known", near(9_000) + GOOD).refused(),
        Bomb::file("9,000 unknown keys, as JSON", odd(9_000) + GOOD)
            .command(&["validate", "--format", "json"])
            .refused(),
        Bomb::file("9,000 unknown keys, as SARIF", odd(9_000) + GOOD)
            .command(&["validate", "--format", "sarif"])
            .refused(),
        Bomb::file("9,000 faults in one line", format!("{{{}}}", odd(9_000).replace('\n', ", ")))
            .command(&["validate", "--format", "github"])
            .refused(),
        Bomb::file("one key 9,000 times", "k: 1\n".repeat(9_000) + GOOD).refused(),
        Bomb::file(
            "18,000 labels",
            format!("{GOOD}labels: {{{}}}\n", listed((0..9_900).map(|n| format!("l{n}: x")))),
        ),
        Bomb::file("4 MiB", vec![b'a'; 4 * 1024 * 1024]).refused(),
        Bomb::file("NUL", vec![0; LARGE]).refused(),
        Bomb::file("no UTF-8", vec![0xff; LARGE]).refused(),
    ]
}

#[test]
fn files_of_yaml_that_are_made_to_hurt_cost_little() {
    let bombs: Vec<Bomb> = [pieces(), expanding(), long()].into_iter().flatten().collect();
    judge("YAML", 90, &bombs);
}
