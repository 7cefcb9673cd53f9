//! A run as a tree of its stages: what stands where, for how long, and why.

use crate::screen::Paint;
use anstyle::{AnsiColor, Style};
use engine_core::{
    status::{RunStatus, StageStatus},
    view::{RunView, StageView},
    wording,
};
use jiff::Timestamp;

/// The lines of one run; those that still go on count their time up to `now`.
pub(crate) fn lines(view: &RunView, now: Timestamp, paint: Paint) -> Vec<String> {
    let mut lines = vec![head(view, now, paint)];
    lines.extend(view.trigger.words().map(|words| format!("│  {words}")));
    lines.extend(view.reason.iter().map(|reason| format!("│  {reason}")));
    let width = |text: &dyn Fn(&(String, StageView)) -> usize| {
        view.stages.iter().map(text).max().unwrap_or_default()
    };
    let widths = (
        width(&|(id, _)| id.chars().count()),
        width(&|(_, stage)| stage.stage_type.chars().count()),
    );
    let last = view.stages.len().saturating_sub(1);
    for (index, (id, stage)) in view.stages.iter().enumerate() {
        let branch = if index == last { "└─" } else { "├─" };
        lines.push(format!("{branch} {}", line((id, stage), widths, (now, paint))));
    }
    lines
}

fn head(view: &RunView, now: Timestamp, paint: Paint) -> String {
    let RunView { id, number, application, pipeline, status, .. } = view;
    let took = took(Some(&view.started_at), view.ended_at.as_deref(), now);
    let status = painted(status.word(), run_colour(*status), paint);
    format!("{pipeline}#{number}  {status}  {took}  application {application}  run {id}")
}

fn line(
    (id, stage): (&str, &StageView),
    (id_width, type_width): (usize, usize),
    (now, paint): (Timestamp, Paint),
) -> String {
    let (icon, colour) = look(stage);
    let icon = painted(icon, colour, paint);
    let status = painted(&format!("{:<9}", word(stage)), colour, paint);
    let took = took(stage.started_at.as_deref(), stage.ended_at.as_deref(), now);
    let stage_type = &stage.stage_type;
    let mut line =
        format!("{icon} {id:<id_width$}  {status}  {stage_type:<type_width$}  {took:>6}");
    if stage.attempts > 1 {
        line.push_str(&format!("  attempt {}", stage.attempts));
    }
    // A line is a line, whatever a cluster says.
    let words: Vec<&str> = stage.why.iter().flat_map(|why| why.lines()).collect();
    line.push_str(&format!("  {}", words.join(" ")));
    line.trim_end().to_owned()
}

/// A stage that waits is running, unless it has not begun.
fn word(stage: &StageView) -> &'static str {
    match (stage.status, &stage.waiting) {
        (StageStatus::Running, Some(_)) => StageStatus::Waiting.word(),
        (status, _) => status.word(),
    }
}

fn look(stage: &StageView) -> (&'static str, Option<AnsiColor>) {
    match stage.status {
        StageStatus::Pending => ("·", None),
        StageStatus::Waiting => ("◷", Some(AnsiColor::Yellow)),
        StageStatus::Running => ("●", Some(AnsiColor::Blue)),
        StageStatus::RollingBack => ("↺", Some(AnsiColor::Yellow)),
        StageStatus::Stopping => ("◌", Some(AnsiColor::Yellow)),
        StageStatus::Succeeded => ("✔", Some(AnsiColor::Green)),
        StageStatus::Failed if stage.tolerated => ("⚠", Some(AnsiColor::Yellow)),
        StageStatus::Failed => ("✖", Some(AnsiColor::Red)),
        StageStatus::RolledBack => ("↺", Some(AnsiColor::Red)),
        StageStatus::Skipped => ("○", None),
        StageStatus::Omitted => ("⊝", None),
        StageStatus::Rejected => ("⊗", Some(AnsiColor::Red)),
        StageStatus::Cancelled => ("⊘", Some(AnsiColor::Yellow)),
    }
}

fn run_colour(status: RunStatus) -> Option<AnsiColor> {
    match status {
        RunStatus::Queued
        | RunStatus::Waiting
        | RunStatus::Paused
        | RunStatus::RollingBack
        | RunStatus::Cancelled => Some(AnsiColor::Yellow),
        RunStatus::Running => Some(AnsiColor::Blue),
        RunStatus::Succeeded => Some(AnsiColor::Green),
        RunStatus::Failed | RunStatus::RolledBack | RunStatus::Rejected => Some(AnsiColor::Red),
    }
}

fn painted(text: &str, colour: Option<AnsiColor>, paint: Paint) -> String {
    match (paint, colour) {
        (Paint::Plain, _) | (Paint::Coloured, None) => text.to_owned(),
        (Paint::Coloured, Some(colour)) => {
            let style = Style::new().fg_color(Some(colour.into()));
            format!("{style}{text}{style:#}")
        }
    }
}

fn took(started_at: Option<&str>, ended_at: Option<&str>, now: Timestamp) -> String {
    let instant = |text: &str| text.parse::<Timestamp>().ok();
    let Some(started_at) = started_at.and_then(instant) else { return String::new() };
    let ended_at = ended_at.and_then(instant).unwrap_or(now);
    let took = ended_at.duration_since(started_at).as_millis();
    wording::duration(u64::try_from(took).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine_core::{repeat::TriggerView, status::WaitKind, view::WaitView};

    fn stage(status: StageStatus) -> StageView {
        StageView {
            name: "name".to_owned(),
            stage_type: "deploy".to_owned(),
            status,
            attempts: 1,
            started_at: Some("2026-01-01T00:00:00.000Z".to_owned()),
            ended_at: None,
            waiting: None,
            reason: None,
            tolerated: false,
            why: None,
            usual: None,
        }
    }

    fn waiting(detail: &str) -> StageView {
        let waiting = WaitView {
            kind: WaitKind::Readiness,
            since: String::new(),
            until: None,
            detail: detail.to_owned(),
            blocked_by: Vec::new(),
        };
        let why = Some(detail.to_owned());
        StageView { waiting: Some(waiting), why, ..stage(StageStatus::Running) }
    }

    fn run(stages: Vec<(String, StageView)>) -> RunView {
        RunView {
            id: "01".to_owned(),
            number: 4,
            application: "shop".to_owned(),
            pipeline: "web".to_owned(),
            status: RunStatus::Running,
            warnings: 0,
            plan: String::new(),
            trigger: TriggerView {
                kind: "rerun".to_owned(),
                actor: "mo".to_owned(),
                repeats: Some("web#2".to_owned()),
                repeats_id: None,
            },
            started_at: "2026-01-01T00:00:00.000Z".to_owned(),
            ended_at: None,
            reason: None,
            waiting: None,
            parent: None,
            stages,
        }
    }

    fn told(stages: Vec<(&str, StageView)>) -> Vec<String> {
        let stages = stages.into_iter().map(|(id, stage)| (id.to_owned(), stage)).collect();
        let now = "2026-01-01T00:01:12Z".parse().unwrap();
        lines(&run(stages), now, Paint::Plain)
    }

    #[test]
    fn every_stage_has_a_line_with_its_words_beside_its_icon() {
        let ended_at = Some("2026-01-01T00:00:40.000Z".to_owned());
        let done = StageView { ended_at, ..stage(StageStatus::Succeeded) };
        let pending = StageView { started_at: None, ..stage(StageStatus::Pending) };
        let told = told(vec![
            ("staging", done),
            ("prod", waiting("deployment web: 1 of 3 ready\nand more")),
            ("later", pending),
        ]);
        assert_eq!(
            told,
            [
                "web#4  running  1m 12s  application shop  run 01",
                "│  a rerun of web#2, asked for by mo",
                "├─ ✔ staging  succeeded  deploy     40s",
                "├─ ● prod     waiting    deploy  1m 12s  deployment web: 1 of 3 ready and more",
                "└─ · later    pending    deploy",
            ]
        );
    }

    #[test]
    fn no_two_ends_look_alike() {
        let tolerated = StageView { tolerated: true, ..stage(StageStatus::Failed) };
        let ends = [
            StageStatus::Succeeded,
            StageStatus::Failed,
            StageStatus::RolledBack,
            StageStatus::Skipped,
            StageStatus::Omitted,
            StageStatus::Rejected,
            StageStatus::Cancelled,
        ];
        let mut icons: Vec<_> = ends.map(|status| look(&stage(status)).0).to_vec();
        icons.push(look(&tolerated).0);
        icons.sort_unstable();
        icons.dedup();
        assert_eq!(icons.len(), ends.len() + 1);
    }
}
