//! `/datasets`: which datasets are open, and where their extracts lie.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::HttpDoor;
use super::extract::latest_address;
use crate::extract::ExtractFormat;

#[derive(Debug, Serialize)]
pub(super) struct OpenDatasets {
    datasets: Vec<OpenDataset>,
}

#[derive(Debug, Serialize)]
struct OpenDataset {
    id: String,
    title: Title,
    licence: String,
    /// Newest dataset version that has an extract; null until the first is ready.
    version: Option<u64>,
    parquet: String,
    csv: String,
}

#[derive(Debug, Serialize)]
struct Title {
    pl: String,
    en: String,
}

pub(super) async fn list(State(door): State<HttpDoor>) -> Json<OpenDatasets> {
    let link = |id: &str, format| format!("{}{}", door.public_url, latest_address(id, format));
    let open =
        door.desk.rooms.patterns.iter().filter(|pattern| door.desk.rooms.identity.open(pattern).is_ok());
    let mut datasets: Vec<OpenDataset> = open
        .map(|pattern| OpenDataset {
            id: pattern.id.clone(),
            title: Title { pl: pattern.title.pl.clone(), en: pattern.title.en.clone() },
            licence: pattern.licence.clone(),
            version: door.extracts.latest(&pattern.id),
            parquet: link(&pattern.id, ExtractFormat::Parquet),
            csv: link(&pattern.id, ExtractFormat::Csv),
        })
        .collect();
    datasets.sort_by(|a, b| a.id.cmp(&b.id));
    // Several versions of a pattern are one dataset.
    datasets.dedup_by(|a, b| a.id == b.id);
    Json(OpenDatasets { datasets })
}
