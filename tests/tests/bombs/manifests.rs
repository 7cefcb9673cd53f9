//! Manifests that a pipeline deploys, and folders in which it looks for them.

use super::{Bomb, GOOD, Judge, best, judge, listed, stages};
use std::{fs, os::unix::fs::symlink};

const DEPLOY: &str =
    "version: 1\nname: d\nstages: {a: {environment: e, deploy: {manifests: [k8s/]}}}\n";
const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n";

fn object(name: usize) -> String {
    OBJECT.replace("NAME", &format!("c{name}"))
}

/// A deploy of one file.
fn deploy(name: &str, content: impl Into<Vec<u8>>) -> Bomb {
    Bomb::file(name, DEPLOY).beside("k8s/all.yaml", content)
}

/// What is within `data` of an object.
fn data(value: &str) -> String {
    format!("{}data: {value}\n", object(1))
}

fn contents() -> Vec<Bomb> {
    let mib = 1024 * 1024 - 200;
    let fill = |text: &str| text.repeat(mib / text.len());
    let mut aliases = "a0: &a0 [lol]\n".to_owned();
    for level in 1..9 {
        let inner = listed((0..9).map(|_| format!("*a{}", level - 1)));
        aliases.push_str(&format!("a{level}: &a{level} [{inner}]\n"));
    }
    let objects =
        |count: usize| (0..count).map(|n| format!("---\n{}", object(n))).collect::<String>();
    let json = |count: usize| {
        let one = |n| {
            format!(
                "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{{\"name\":\"c{n}\"}}}}"
            )
        };
        (0..count).map(one).collect::<Vec<_>>()
    };
    vec![
        deploy("aliases of aliases", aliases).refused(),
        deploy("open brackets", fill("[")).refused(),
        deploy("open braces", fill("{a: ")).refused(),
        deploy("open braces of JSON", fill("{\"a\":")).refused(),
        deploy("dashes", fill("- ")).refused(),
        deploy("questions", fill("? ")).refused(),
        deploy("anchors", fill("a: &a ")).refused(),
        deploy("tags", data(&format!("[{}]", "!a x, ".repeat(100_000)))).refused(),
        deploy("quotes", fill("\"")).refused(),
        deploy("documents", fill("---\n")).refused(),
        deploy("2,000 objects", objects(2_000)).refused(),
        deploy("900 objects", objects(900)).accepted(),
        deploy(
            "one object 900 times",
            "---\n".to_owned() + &format!("{}---\n", object(1)).repeat(900),
        )
        .refused(),
        deploy("9,000 values of JSON", json(9_000).join("\n")).refused(),
        deploy(
            "a list of 9,000",
            format!(
                "{{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{}]}}",
                json(9_000).join(",")
            ),
        )
        .refused(),
        deploy(
            "lists of lists",
            "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[".repeat(5_000),
        )
        .refused(),
        deploy("a depth of 99", data(&format!("{}1{}", "{a: ".repeat(90), "}".repeat(90)))),
        deploy("200,000 values", data(&format!("[{}]", "1,".repeat(200_000)))).refused(),
        deploy("90,000 values", data(&format!("[{}]", "1,".repeat(90_000)))),
        deploy("300,000 empty lists", data(&format!("[{}]", "[],".repeat(300_000)))).refused(),
        deploy("a text of 1 MB", data(&format!("{{a: \"{}\"}}", "x".repeat(1_000_000)))).accepted(),
        deploy("escapes", data(&format!("{{a: \"{}\"}}", "\\u00e9".repeat(160_000)))).accepted(),
        deploy("a number of 1 MB", data(&format!("{{a: {}}}", "9".repeat(1_000_000)))),
        deploy("2 MB", "#".repeat(2_000_000)).refused(),
        deploy("no UTF-8", vec![0xff; mib]).refused(),
        deploy("merges", data(&format!("{{{}}}", "<<: {a: b}, ".repeat(50_000)))),
        deploy("a name of 900,000", OBJECT.replace("NAME", &"n".repeat(900_000))),
        deploy(
            "90,000 containers",
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: x}}\nspec: {{containers: [{}]}}\n",
                "{image: a}, ".repeat(30_000)
            ),
        ),
        deploy(
            "30,000 bad images",
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: x}}\nspec: {{containers: [{}]}}\n",
                "{image: A}, ".repeat(30_000)
            ),
        )
        .refused(),
    ]
}

fn folders() -> Vec<Bomb> {
    let many = |mut bomb: Bomb, count: usize, content: &str| {
        for n in 0..count {
            bomb = bomb.beside(format!("k8s/f{n}.yaml"), content.replace("NAME", &format!("c{n}")));
        }
        bomb
    };
    let file = |name: &str| Bomb::file(name, DEPLOY);
    let large = format!("{OBJECT}data: {{a: \"{}\"}}\n", "x".repeat(900_000));
    let cells = |count: usize| {
        let values = listed((0..count).map(|n| n.to_string()));
        stages(1, |_| {
            format!(
                "{{matrix: {{axes: {{x: [{values}]}}}}, environment: \"e${{{{ matrix.x }}}}\", deploy: {{manifests: [k8s/], component: \"c${{{{ matrix.x }}}}\"}}}}"
            )
        })
    };
    let text = format!("{OBJECT}data: {{{}}}\n", listed((0..9_000).map(|n| format!("k{n}: v"))));
    vec![
        many(file("300 files"), 300, OBJECT).accepted(),
        many(file("501 files"), 501, OBJECT).refused(),
        many(file("500 files of 900 KB"), 30, &large).refused(),
        many(Bomb::file("256 cells that deploy 20 files", cells(256)), 20, OBJECT),
        many(Bomb::file("256 cells that deploy 300 files", cells(256)), 300, OBJECT).refused(),
        many(Bomb::file("256 cells that deploy large files", cells(256)), 10, &text).refused(),
    ]
}

#[test]
fn manifests_that_are_made_to_hurt_cost_little() {
    judge("manifests", 30, &contents().into_iter().chain(folders()).collect::<Vec<_>>());
}

#[test]
fn folders_that_lead_back_or_have_no_end_cost_little() {
    let folder = tempfile::tempdir().unwrap();
    let good = Bomb::file("an ordinary one", GOOD).accepted();
    let base = (0..3).map(|_| good.cost(folder.path())).min_by_key(|it| it.processor).unwrap();
    for name in ["a", "b", "c"] {
        symlink(".", folder.path().join(name)).unwrap();
    }
    let deep: String = "d/".repeat(1_000);
    fs::create_dir_all(folder.path().join(&deep)).unwrap();
    for n in 0..60_000 {
        if n % 2_000 == 0 {
            fs::create_dir(folder.path().join(format!("wide{n}"))).unwrap();
        }
        fs::write(folder.path().join(format!("wide{}/{n}", n / 2_000 * 2_000)), "").unwrap();
    }
    let mut judge = Judge::default();
    for glob in
        ["**/x.yaml", "**/**/x*", "*/*/*/*/*/*/*/*/*/*/*/*/x", "**/d/**/d/**/d/**/x", "wide*/*x"]
    {
        let text = format!(
            "version: 1\nname: d\nstages: {{s: {{environment: e, deploy: {{manifests: [\"{glob}\"]}}}}}}\n"
        );
        let bomb = Bomb::file(glob, text).refused();
        judge.add(glob, best(|| bomb.cost(folder.path()).beside(base)));
    }
    judge.end("folders", 5);
}
