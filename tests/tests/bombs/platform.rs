//! The platform's file and the kubeconfig, which an operator writes or merely passes on.

use super::{Bomb, GOOD, judge, listed};

fn platform(name: &str, text: impl Into<Vec<u8>>) -> Bomb {
    Bomb::file(name, GOOD).beside("gennaker.yaml", text)
}

fn kubeconfig(name: &str, text: impl Into<Vec<u8>>) -> Bomb {
    let stage = "version: 1\nname: k\nstages: {a: {environment: e, waitForReady: {}}}\n";
    Bomb::file(name, stage).beside(".kube/config", text)
}

fn platforms() -> Vec<Bomb> {
    let users = |count: usize| listed((0..count).map(|n| format!("u{n}: {{unix: x{n}}}")));
    let people = |users: String, groups: String| {
        format!("version: 1\npeople: {{users: {{{users}}}, groups: {{{groups}}}}}\n")
    };
    let environments =
        |count: usize| listed((0..count).map(|n| format!("e{n}: {{cluster: c, namespace: n{n}}}")));
    vec![
        platform("open brackets", "[".repeat(500_000)).refused(),
        platform("3,000 users", people(users(3_000), String::new())),
        platform(
            "3,000 users of one account",
            people(listed((0..3_000).map(|n| format!("u{n}: {{unix: x}}"))), String::new()),
        )
        .refused(),
        platform(
            "a group of 9,000 strangers",
            people(users(10), format!("g: [{}]", listed((0..9_000).map(|n| format!("v{n}"))))),
        )
        .refused(),
        platform(
            "900 groups of 10 among 2,000",
            people(
                users(2_000),
                listed(
                    (0..900)
                        .map(|n| format!("g{n}: [{}]", listed((0..10).map(|k| format!("u{k}"))))),
                ),
            ),
        ),
        platform(
            "2,000 roles for strangers",
            format!("version: 1\nroles: [{}]\n", "{role: run, to: [\"group:g\"]}, ".repeat(2_000)),
        )
        .refused(),
        platform(
            "9,000 names of applications and 9,000 patterns",
            format!(
                "version: 1\nsources: [{{directory: a, applications: [{}]}}, {{directory: b, applications: [{}]}}]\n",
                listed((0..9_000).map(|n| format!("n{n}"))),
                listed((0..9_000).map(|n| format!("\"*m{n}*\""))),
            ),
        ),
        platform(
            "4,000 sources of one name",
            format!(
                "version: 1\nsources: [{}]\n",
                listed((0..4_000).map(|n| format!("{{directory: {n}/a}}")))
            ),
        )
        .refused(),
        platform(
            "2,500 environments",
            format!("version: 1\nenvironments: {{{}}}\n", environments(2_500)),
        ),
        platform(
            "9,000 unknown keys",
            format!("version: 1\n{}", (0..9_000).map(|n| format!("k{n}: 1\n")).collect::<String>()),
        )
        .refused(),
        platform(
            "9,000 hosts",
            format!(
                "version: 1\nhttp: {{allow: [{}]}}\n",
                listed((0..9_000).map(|n| format!("\"GET https://h{n}.example/\"")))
            ),
        ),
        platform(
            "a host of 400,000",
            format!("version: 1\nhttp: {{allow: [\"GET https://{}/\"]}}\n", "a.".repeat(200_000)),
        ),
        platform(
            "stars",
            format!(
                "version: 1\nroles: [{{role: run, to: [\"user:u\"], environments: [\"{}\"]}}]\n",
                "*".repeat(400_000)
            ),
        )
        .refused(),
    ]
}

fn kubeconfigs() -> Vec<Bomb> {
    let mut aliases = "a0: &a0 [lol]\n".to_owned();
    for level in 1..9 {
        aliases.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            listed((0..9).map(|_| format!("*a{}", level - 1)))
        ));
    }
    let contexts = |count: usize| {
        listed((0..count).map(|n| format!("{{name: c{n}, context: {{cluster: c, user: u}}}}")))
    };
    vec![
        kubeconfig("a kubeconfig of aliases", aliases),
        kubeconfig("a kubeconfig of open brackets", "[".repeat(900_000)),
        kubeconfig("a kubeconfig of open braces", "{a: ".repeat(250_000)),
        kubeconfig("a kubeconfig of documents", "---\n".repeat(250_000)),
        kubeconfig(
            "a kubeconfig of 9,000 contexts",
            format!("apiVersion: v1\nkind: Config\ncontexts: [{}]\n", contexts(9_000)),
        ),
        kubeconfig("a kubeconfig of 200 MB", vec![b'#'; 200_000_000]),
    ]
}

#[test]
fn the_operators_own_files_cost_little() {
    judge("platform", 17, &platforms().into_iter().chain(kubeconfigs()).collect::<Vec<_>>());
}
