//! Pipelines of many stages, needs, cells and faults; and large ones with which nothing is wrong.

use super::{Bomb, WAIT, judge, listed, stages};

/// A matrix of 256 cells.
fn matrix() -> String {
    let values = listed((1..=16).map(|n| n.to_string()));
    format!("matrix: {{axes: {{x: [{values}], z: [{values}]}}}}")
}

fn needs(which: impl Iterator<Item = usize>) -> String {
    format!("needs: [{}]", listed(which.map(|n| format!("s{n}"))))
}

fn before(stage: usize, count: usize) -> String {
    needs(stage.saturating_sub(count)..stage)
}

fn chained(stages_of: usize, need: impl Fn(usize) -> String) -> String {
    stages(stages_of, |n| match n {
        0 => format!("{{{}, {WAIT}}}", matrix()),
        n => format!("{{needs: [{}], {}, {WAIT}}}", need(n - 1), matrix()),
    })
}

fn honest() -> Vec<Bomb> {
    let deploy = |n: usize| match n {
        0 => format!("{{{WAIT}}}"),
        n => format!("{{{}, when: \"run.number > 0\", {WAIT}}}", before(n, 3)),
    };
    vec![
        Bomb::file(
            "1,000 stages in a row",
            stages(1_000, |n| format!("{{{}, {WAIT}}}", before(n, 1))),
        )
        .accepted(),
        Bomb::file(
            "1,000 stages with 10 needs",
            stages(1_000, |n| format!("{{{}, {WAIT}}}", before(n, 10))),
        )
        .accepted(),
        Bomb::file("1,000 stages with conditions", stages(1_000, deploy)).accepted(),
        Bomb::file(
            "7 matrices of 256 cells",
            chained(7, |n| format!("{{stage: s{n}, matrix: same}}")),
        )
        .accepted(),
        Bomb::file("256 cells that need 256", chained(2, |n| format!("s{n}"))).accepted(),
        Bomb::file(
            "256 cells with 50 expressions",
            stages(1, |_| {
                let values = listed((0..50).map(|n| format!("v{n}: \"${{{{ matrix.x }}}}\"")));
                format!("{{{}, setVariables: {{{values}}}}}", matrix())
            }),
        )
        .accepted(),
    ]
}

fn graphs() -> Vec<Bomb> {
    let all = |count: usize| {
        stages(count, |n| format!("{{{}, {WAIT}}}", needs((0..count).filter(|it| *it != n))))
    };
    let ring = |count: usize| {
        stages(count, |n| format!("{{{}, {WAIT}}}", needs(std::iter::once((n + 1) % count))))
    };
    let unknown = |count: usize| stages(count, |n| format!("{{needs: [t{n}x], {WAIT}}}"));
    vec![
        Bomb::file("1,001 stages", stages(1_001, |_| format!("{{{WAIT}}}"))).refused(),
        Bomb::file("2,000 stages without an action", stages(2_000, |_| "{}".to_owned())).refused(),
        Bomb::file("1,000 stages without an action", stages(1_000, |_| "{}".to_owned())).refused(),
        Bomb::file("5,000 stages", stages(5_000, |_| "{}".to_owned())).refused(),
        Bomb::file("a ring of 1,000", ring(1_000)).refused(),
        Bomb::file("a ring of 1,800", ring(1_800)).refused(),
        Bomb::file("500 rings", stages(1_000, |n| format!("{{{}, {WAIT}}}", needs(std::iter::once(n ^ 1))))).refused(),
        Bomb::file("100 stages that all need each other", all(100)).refused(),
        Bomb::file("130 stages that all need each other", all(130)).refused(),
        Bomb::file("a stage that needs 15,000 others", stages(2, |_| format!("{{{}, {WAIT}}}", needs(0..15_000)))).refused(),
        Bomb::file("1,000 unknown needs", unknown(1_000)).refused(),
        Bomb::file("9,000 unknown needs", stages(1, |_| format!("{{{}, {WAIT}}}", needs(1..9_000)))).refused(),
        Bomb::file("1,000 reads of far stages", stages(990, |n| {
            format!("{{{}, when: \"stages.s0.status == 'succeeded'\", {WAIT}}}", before(n, 9))
        })).refused(),
        Bomb::file("500 deploys that nobody looks after", stages(900, |n| match n % 2 {
            0 => format!("{{{}, environment: e, deploy: {{manifests: [k], wait: false, component: c{n}}}}}", before(n, 9)),
            _ => format!("{{{}, environment: e, waitForReady: {{}}}}", before(n, 9)),
        })).refused(),
        Bomb::file("500 ways back of nothing", stages(900, |n| format!("{{{}, environment: e, rollback: {{to: lastGood}}}}", before(n, 9)))),
        Bomb::file("1,000 deploys of one component", stages(1_000, |_| "{environment: e, deploy: {manifests: [k]}}".to_owned())).refused(),
    ]
}

fn matrices() -> Vec<Bomb> {
    let axes = |count: usize, values: &str| listed((0..count).map(|n| format!("x{n}: [{values}]")));
    let of = |matrix: String| stages(1, |_| format!("{{matrix: {{{matrix}}}, {WAIT}}}"));
    let cells = |count: usize| listed((0..count).map(|n| format!("{{x: {n}}}")));
    vec![
        Bomb::file("8 matrices of 256 cells", stages(8, |_| format!("{{{}, {WAIT}}}", matrix()))).refused(),
        Bomb::file("500 matrices of 256 cells", stages(400, |_| format!("{{{}, {WAIT}}}", matrix()))).refused(),
        Bomb::file("3 matrices that need each other's cells", chained(3, |n| format!("s{n}"))).refused(),
        Bomb::file("a matrix of 8 axes", of(format!("axes: {{{}}}", axes(8, "1, 2")))),
        Bomb::file("a matrix of 16 axes", of(format!("axes: {{{}}}", axes(16, "1, 2")))).refused(),
        Bomb::file("a matrix of 40 axes", of(format!("axes: {{{}}}", axes(40, "1, 2")))).refused(),
        Bomb::file("a matrix of 6,000 axes", of(format!("axes: {{{}}}", axes(6_000, "1")))).refused(),
        Bomb::file("an axis of 18,000 values", of(format!("axes: {{x: [{}]}}", listed((0..18_000).map(|n| n.to_string()))))).refused(),
        Bomb::file("256 cells, all left out", of(format!("axes: {{x: [{0}]}}, exclude: [{1}]", listed((0..256).map(|n| n.to_string())), cells(256)))).refused(),
        Bomb::file("6,000 cells to leave out", of(format!("axes: {{x: [1]}}, exclude: [{}]", cells(6_000)))).refused(),
        Bomb::file("6,000 further cells", of(format!("axes: {{x: [1]}}, include: [{}]", cells(6_000)))).refused(),
        Bomb::file("cells of unknown axes", of(format!("axes: {{x: [1]}}, include: [{}]", listed((0..250).map(|n| format!("{{y{n}: 1}}")))))).refused(),
        Bomb::file("axes with names of 30,000 characters", of(format!("axes: {{{}}}, include: [{}]",
            listed((0..10).map(|n| format!("{}{n}: [1]", "x".repeat(30_000)))), cells(250)))).refused(),
        Bomb::file("256 cells with a text of 400,000", stages(1, |_| format!("{{{}, description: {}, {WAIT}}}", matrix(), "d".repeat(400_000)))).refused(),
        Bomb::file("256 cells with 9,000 values", stages(1, |_| {
            format!("{{{}, setVariables: {{{}}}}}", matrix(), listed((0..9_000).map(|n| format!("v{n}: 1"))))
        })).refused(),
        Bomb::file("256 cells with 800 expressions", stages(1, |_| {
            let values = listed((0..800).map(|n| format!("v{n}: \"${{{{ matrix.x }}}}\"")));
            format!("{{{}, setVariables: {{{values}}}}}", matrix())
        })).refused(),
        Bomb::file("256 cells with faults", stages(1, |_| {
            let items = listed((0..200).map(|_| "{assert: 'matrix.x', message: ''}".to_owned()));
            format!("{{{}, checks: [{items}]}}", matrix())
        })).refused(),
        Bomb::file("an axis that grows", stages(1, |_| {
            format!("{{matrix: {{axes: {{x: \"${{{{ [1, 2, 3].map(x, [x, x, x]) }}}}\"}}}}, {WAIT}}}")
        })).refused(),
    ]
}

fn wide() -> Vec<Bomb> {
    let headers = listed((0..5_000).map(|n| format!("h{n}: x")));
    let checks =
        |count: usize| listed((0..count).map(|_| "{assert: 'true', message: m}".to_owned()));
    let globs = |glob: &str| listed((0..300).map(|n| format!("\"{n}{glob}\"")));
    let deploy = |manifests: String| {
        stages(1, |_| format!("{{environment: e, deploy: {{manifests: [{manifests}]}}}}"))
    };
    vec![
        Bomb::file(
            "5,000 headers",
            stages(1, |_| {
                format!("{{http: {{url: \"http://x.example/\", headers: {{{headers}}}}}}}")
            }),
        ),
        Bomb::file("1,000 checks", stages(1, |_| format!("{{checks: [{}]}}", checks(1_000)))),
        Bomb::file("3,000 checks", stages(1, |_| format!("{{checks: [{}]}}", checks(3_000))))
            .refused(),
        Bomb::file(
            "9,000 approvers",
            stages(1, |_| {
                format!(
                    "{{approval: {{approvers: [{}]}}}}",
                    listed((0..9_000).map(|n| format!("\"user:u{n}\"")))
                )
            }),
        ),
        Bomb::file(
            "an address of 400,000",
            stages(1, |_| format!("{{http: {{url: \"http://{}/\"}}}}", "a.".repeat(200_000))),
        ),
        Bomb::file(
            "an image name of 400,000",
            format!("{}images: {{\"{}\": x}}\n", super::GOOD, "a/".repeat(200_000)),
        )
        .refused(),
        Bomb::file(
            "9,000 images",
            format!(
                "{}images: {{{}}}\n",
                super::GOOD,
                listed((0..9_000).map(|n| format!("i{n}: \"x:1\"")))
            ),
        )
        .refused(),
        Bomb::file(
            "a body of 9,000 values",
            stages(1, |_| {
                format!(
                    "{{http: {{url: \"http://x.example/\", method: POST, body: [{}]}}}}",
                    listed((0..9_000).map(|n| n.to_string()))
                )
            }),
        ),
        Bomb::file("a glob of stars", deploy("\"**/**/**/**/**/**/**/**\"".to_owned())).refused(),
        Bomb::file("300 globs", deploy(globs("*/**"))).refused(),
        Bomb::file("a glob of 400,000 stars", deploy(format!("\"{}\"", "*".repeat(400_000))))
            .refused(),
        Bomb::file("a glob of open brackets", deploy(format!("\"{}\"", "[".repeat(100_000))))
            .refused(),
        Bomb::file("a path of 100,000 folders", deploy(format!("\"{}x\"", "a/".repeat(100_000))))
            .refused(),
        Bomb::file(
            "an environment of 400,000",
            stages(1, |_| format!("{{environment: {}, waitForReady: {{}}}}", "e".repeat(400_000))),
        )
        .refused(),
        Bomb::file(
            "9,000 arguments",
            stages(1, |_| {
                format!(
                    "{{environment: e, job: {{image: x, args: [{}]}}}}",
                    listed((0..9_000).map(|_| "a".to_owned()))
                )
            }),
        ),
        Bomb::file(
            "9,000 variables of a job",
            stages(1, |_| {
                format!(
                    "{{environment: e, job: {{image: x, env: {{{}}}}}}}",
                    listed((0..9_000).map(|n| format!("V{n}: a")))
                )
            }),
        ),
    ]
}

#[test]
fn pipelines_that_are_spread_far_cost_little() {
    let bombs: Vec<Bomb> = [honest(), graphs(), matrices(), wide()].into_iter().flatten().collect();
    judge("stages", 50, &bombs);
}
