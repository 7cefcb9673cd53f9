//! Lists, page by page.

use engine_core::view::{CatalogueItem, DeliveryView, PipelineItem, RowView, RunItem};
use serde::{Deserialize, Serialize};

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Sent as `cursor`, it asks for the next page. Without it there is none; a page may be short
    /// although there is another.
    pub next: Option<String>,
}

pub type RunPage = Page<RunItem>;
pub type RowPage = Page<RowView>;
pub type PipelinePage = Page<PipelineItem>;
pub type CataloguePage = Page<CatalogueItem>;
pub type DeliveryPage = Page<DeliveryView>;

/// The entries of a page.
pub(super) fn limit(asked: Option<u32>, (usual, most): (u32, u32)) -> usize {
    asked.unwrap_or(usual).clamp(1, most) as usize
}
