//! What a reader of its own rows learns of others: nothing, also not from the catalogue.

use futures::TryStreamExt as _;
use hub_client::v1::{Dataset, DatasetVersion};

use crate::harness::{PERIOD, Server, sample, synthetic};

/// A pattern like Rb-28S that is restricted as a whole.
const RESTRICTED: &str = "poufne";

fn restricted_patterns() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let version = folder.path().join(RESTRICTED).join("1.0.0");
    std::fs::create_dir_all(&version).expect("a folder");
    let original = sample("rb28s", "SOURCE.md");
    let original = original.ancestors().nth(2).expect("the folder of the pattern");
    let pattern = std::fs::read_to_string(original.join("pattern.yaml")).expect("a pattern");
    let restricted = pattern
        .replace("id: rb28s\n", &format!("id: {RESTRICTED}\n"))
        .replace("\nsensitivity: public\n", "\nsensitivity: restricted\n");
    assert!(restricted.contains(RESTRICTED) && restricted.contains("sensitivity: restricted"));
    std::fs::write(version.join("pattern.yaml"), restricted).expect("a file");
    std::fs::copy(original.join("schema.json"), version.join("schema.json")).expect("a file");
    folder
}

async fn catalogue(server: &Server, profile: &str) -> (Dataset, Vec<DatasetVersion>) {
    let client = server.client(profile);
    let listed: Vec<Dataset> = client.datasets().try_collect().await.expect("datasets");
    let shown = client.dataset(RESTRICTED).await.expect("a dataset");
    assert!(listed.contains(&shown), "the list shows the same as the dataset itself");
    (shown, client.dataset_versions(RESTRICTED).try_collect().await.expect("versions"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_counts_own_rows_only() {
    let patterns = restricted_patterns();
    let folder = patterns.path().to_str().expect("a plain path");
    // Each push is a version of its own.
    let server = Server::start_with(&[("HUB_PATTERNS_DIR", folder), ("HUB_LIMITS_OPEN_VERSION_MS", "0")]);
    let mut pushed = Vec::new();
    for (profile, terc6, rows) in [("publisher", "100201", 120), ("publisher2", "026401", 70)] {
        let file = server.file(&format!("{profile}.csv"), &synthetic("rb28s", terc6, PERIOD, rows, 5));
        let sent = server.accepted(profile, &file, RESTRICTED, PERIOD, &[]);
        let id = sent["submission"]["submission"].as_str().expect("an id");
        pushed.push((profile, rows, format!("submissions/{id}")));
    }
    for (profile, rows, own) in &pushed {
        let (dataset, versions) = catalogue(&server, profile).await;
        assert_eq!((dataset.rows, dataset.publishers, dataset.latest_version), (*rows, 1, 2), "{profile}");
        assert_eq!(versions.len(), 2);
        assert_eq!(versions[0].rows, *rows, "{profile}");
        let submissions: Vec<&String> = versions.iter().flat_map(|version| &version.submissions).collect();
        assert_eq!(submissions, [own], "{profile}");
    }
    let (_, versions) = catalogue(&server, "publisher2").await;
    assert_eq!(versions[1].rows, 0, "the first version holds rows of the other alone");
}
