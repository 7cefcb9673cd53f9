//! Runs as they are listed, and the rows of their logs: what is told without a replay.

use super::{RunView, instant};
use crate::{
    event::Event,
    fact::Fact,
    id::{Position, RunId},
    status::{RunStatus, WaitKind},
    store::{Counts, LogRow, Summary, SystemRow},
};
use serde::{Deserialize, Serialize};

/// A run in a list: what its summary row knows. Field names are only added to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunItem {
    #[schema(value_type = String, format = "uuid")]
    pub id: RunId,
    pub number: u64,
    pub application: String,
    pub pipeline: String,
    pub status: RunStatus,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub started_at: String,
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    pub stages: Counts,
    /// What it waits for, if nothing in it runs.
    pub waiting: Option<WaitKind>,
}

/// A pipeline that has run. Field names are only added to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PipelineItem {
    pub application: String,
    pub pipeline: String,
    /// The one that started last.
    pub last_run: RunItem,
}

/// One append of a run: what was decided together, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowView {
    #[schema(value_type = String, format = "uuid")]
    pub run: RunId,
    /// Counts the rows of the run, from 0.
    pub n: u64,
    /// Its place in the log of all runs.
    #[schema(value_type = u64)]
    pub position: Position,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
    /// Each has its name in `event`, and fields of its own.
    #[schema(value_type = Vec<Object>)]
    pub events: Vec<Event>,
}

/// What happened that is about no run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SystemView {
    /// Counts the rows of the stream `system`, from 0.
    pub n: u64,
    /// Its place in the one log.
    #[schema(value_type = u64)]
    pub position: Position,
    /// RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
    /// Each has its name in `fact`, and fields of its own.
    #[schema(value_type = Vec<Object>)]
    pub facts: Vec<Fact>,
}

impl RunItem {
    /// How people name the run: `checkout#12`.
    pub fn label(&self) -> String {
        format!("{}#{}", self.pipeline, self.number)
    }
}

impl Summary {
    /// How people name a run: `checkout#12`.
    pub fn label(&self) -> String {
        format!("{}#{}", self.pipeline, self.number)
    }
}

impl RunView {
    pub fn label(&self) -> String {
        format!("{}#{}", self.pipeline, self.number)
    }
}

impl From<&Summary> for RunItem {
    fn from(summary: &Summary) -> RunItem {
        RunItem {
            id: summary.run,
            number: summary.number,
            application: summary.application.clone(),
            pipeline: summary.pipeline.clone(),
            status: summary.status,
            started_at: instant(summary.started_at.civil),
            ended_at: summary.ended_at.map(|at| instant(at.civil)),
            stages: summary.stages,
            waiting: summary.waiting,
        }
    }
}

impl From<&Summary> for PipelineItem {
    fn from(last: &Summary) -> PipelineItem {
        let (application, pipeline) = (last.application.clone(), last.pipeline.clone());
        PipelineItem { application, pipeline, last_run: RunItem::from(last) }
    }
}

impl From<LogRow> for RowView {
    fn from(row: LogRow) -> RowView {
        let LogRow { run, n, position, now, events } = row;
        RowView { run, n, position, at: instant(now.civil), events }
    }
}

impl From<SystemRow> for SystemView {
    fn from(row: SystemRow) -> SystemView {
        let SystemRow { n, position, now, facts } = row;
        SystemView { n, position, at: instant(now.civil), facts }
    }
}
