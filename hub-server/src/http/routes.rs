//! All that the door answers.

use http::Method;
use hub_proto::json::{
    Acknowledgement, Checked, CommitOptions, CommittedVersions, Dataset, Datasets, NewReadSession,
    NewSubmission, NewSubscription, Notice, Notices, Organisation, Organisations, Patterns, Query,
    ReadSession, Redelivery, Reversion, RevisionsBehind, Submission, Submissions, Subscribed, Subscriptions,
    Verdict, WatchEvent, WholePattern, Withdrawal,
};

use super::api::Operation;
use super::{
    catalog, changes, check, datasets, extract, health, keys, notices, original, patterns, push, read,
    sessions, submissions, subscriptions, upload, watch,
};

const REPORTS: [&str; 2] = ["text/plain", "text/html"];
const ROWS: [&str; 4] = [
    "text/csv",
    "application/x-ndjson",
    "application/vnd.apache.arrow.stream",
    "application/vnd.apache.parquet",
];

/// Every operation of the door, but for the document of them.
pub(super) fn operations() -> Vec<Operation> {
    let parts = [
        of_everyone(),
        of_patterns(),
        of_catalog(),
        of_submissions(),
        of_bytes(),
        of_corrections(),
        of_rows(),
        of_changes(),
        of_notices(),
        of_subscriptions(),
    ];
    parts.into_iter().flatten().collect()
}

fn of_everyone() -> Vec<Operation> {
    let extract_path = "/datasets/{dataset}/versions/{version}/{file}";
    vec![
        Operation::new(Method::GET, "/healthz", health::healthz)
            .says("hub", "Whether the doors are open", "")
            .also(200, "They are", &["application/json"])
            .also(503, "The hub is starting or stopping", &["application/json"]),
        Operation::new(Method::GET, "/.well-known/jwks.json", keys::published)
            .says("hub", "The public keys of receipts, old ones too", "")
            .in_time()
            .also(200, "A JSON Web Key Set (RFC 7517, 8037)", &["application/jwk-set+json"]),
        Operation::new(Method::GET, "/datasets", datasets::list)
            .says("open data", "Open datasets, and where their extracts lie", "")
            .in_time()
            .also(200, "The datasets", &["application/json"]),
        Operation::new(Method::GET, "/datasets/{dataset}/latest/{file}", extract::latest)
            .says("open data", "Leads to the newest extract", "`file`: extract.csv or extract.parquet")
            .in_time()
            .also(302, "Where it lies", &[]),
        Operation::new(Method::GET, extract_path, extract::version)
            .says(
                "open data",
                "An extract: a file of an open dataset",
                "With ETag and ranges. `file`: extract.csv or extract.parquet",
            )
            .in_time()
            .also(200, "The file", &["text/csv", "application/vnd.apache.parquet"])
            .also(206, "A range of it", &["text/csv", "application/vnd.apache.parquet"]),
        Operation::new(Method::POST, "/api/v1/patterns/{pattern}/check", check::check)
            .says("check", "Checks a payload for anyone; nothing of it is kept", "At most 64 MiB.")
            .query("period", "As 2022-Q4; what needs it is not evaluated without it")
            .query("publisher", "As gmina-100201; needs a period")
            .packed()
            .takes_bytes("The payload; Content-Type is its media type, else the bytes tell it")
            .gives::<Checked>(200, "The verdict and the report")
            .also(200, "", &REPORTS),
    ]
}

fn of_patterns() -> Vec<Operation> {
    const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    const LANG: &str = "pl or en; left out: as Accept-Language asks";
    vec![
        Operation::new(Method::GET, "/patterns", patterns::index)
            .says("patterns", "What can be sent: a page", "")
            .in_time()
            .query("lang", LANG)
            .also(200, "The page", &["text/html"]),
        Operation::new(Method::GET, "/patterns/{pattern}", patterns::one)
            .says("patterns", "What a pattern asks for, column by column and rule by rule: a page", "")
            .in_time()
            .query("lang", LANG)
            .also(200, "The page", &["text/html"]),
        Operation::new(Method::GET, "/patterns/{pattern}/template.xlsx", patterns::xlsx_form)
            .says("patterns", "The empty form of a pattern", "Filled in it is sent as it is.")
            .in_time()
            .also(200, "The form", &[XLSX]),
        Operation::new(Method::GET, "/patterns/{pattern}/template.csv", patterns::csv_form)
            .says("patterns", "The empty form of a pattern as CSV", "")
            .in_time()
            .also(200, "The form", &["text/csv"]),
        Operation::new(Method::GET, "/patterns/{pattern}/kit.zip", patterns::kit)
            .says(
                "patterns",
                "A kit for tests: the pattern, its form, samples and their expected reports",
                "",
            )
            .in_time()
            .also(200, "The kit", &["application/zip"]),
    ]
}

fn of_catalog() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, "/api/v1/patterns", catalog::patterns)
            .says("catalogue", "Patterns, every version of each", "")
            .in_time()
            .keyed()
            .paged()
            .gives::<Patterns>(200, "A page of them"),
        Operation::new(Method::GET, "/api/v1/patterns/{pattern}", catalog::pattern)
            .says("catalogue", "A pattern with its Table Schema", "")
            .in_time()
            .keyed()
            .gives::<WholePattern>(200, "The pattern"),
        Operation::new(Method::GET, "/api/v1/datasets", catalog::datasets)
            .says("catalogue", "Datasets that the key may read", "")
            .in_time()
            .keyed()
            .paged()
            .gives::<Datasets>(200, "A page of them"),
        Operation::new(Method::GET, "/api/v1/datasets/{dataset}", catalog::dataset)
            .says("catalogue", "A dataset as it stands", "")
            .in_time()
            .keyed()
            .gives::<Dataset>(200, "The dataset"),
        Operation::new(Method::GET, "/api/v1/datasets/{dataset}/versions", catalog::versions)
            .says("catalogue", "Versions of a dataset, the newest first", "")
            .in_time()
            .keyed()
            .paged()
            .gives::<CommittedVersions>(200, "A page of them"),
        Operation::new(Method::GET, "/api/v1/organisations", catalog::organisations)
            .says("catalogue", "Organisations", "")
            .in_time()
            .keyed()
            .query("filter", "Only those whose name or id contains it")
            .paged()
            .gives::<Organisations>(200, "A page of them"),
        Operation::new(Method::GET, "/api/v1/organisations/{organisation}", catalog::organisation)
            .says("catalogue", "An organisation", "")
            .in_time()
            .keyed()
            .gives::<Organisation>(200, "The organisation"),
    ]
}

fn of_submissions() -> Vec<Operation> {
    vec![
        Operation::new(Method::POST, "/api/v1/submissions", submissions::create)
            .says(
                "push",
                "Opens a submission",
                "The same request id with the same content gives the same one.",
            )
            .in_time()
            .keyed()
            .takes::<NewSubmission>(true)
            .gives::<Submission>(201, "The submission; Location is its address"),
        Operation::new(Method::GET, "/api/v1/submissions", submissions::list)
            .says("push", "Submissions of the key's organisation, the newest first", "")
            .in_time()
            .keyed()
            .query("pattern", "Only of this pattern")
            .query("publisher", "Only by this publisher")
            .query("period", "Only for this period")
            .paged()
            .gives::<Submissions>(200, "A page of them"),
        Operation::new(Method::GET, "/api/v1/submissions/{id}", submissions::get)
            .says("push", "A submission as it stands", "")
            .in_time()
            .keyed()
            .gives::<Submission>(200, "The submission"),
        Operation::new(Method::DELETE, "/api/v1/submissions/{id}", submissions::abandon)
            .says("push", "Gives up a submission that has no verdict yet", "")
            .in_time()
            .keyed()
            .gives::<Submission>(200, "The submission"),
        Operation::new(Method::POST, "/api/v1/submissions/{id}/commit", submissions::commit)
            .says(
                "push",
                "Checks the payload and, if nothing blocks, makes it visible",
                "Asking again gives the same verdict.",
            )
            .keyed()
            .takes::<CommitOptions>(false)
            .gives::<Verdict>(200, "The verdict; a refusal by the check is one too"),
        Operation::new(Method::GET, "/api/v1/submissions/{id}/report", submissions::report)
            .says(
                "push",
                "What the check found",
                "JSON, or text or a page by Accept; Polish, or English by Accept-Language.",
            )
            .in_time()
            .keyed()
            .gives::<hub_datasets::Report>(200, "The report")
            .also(200, "", &REPORTS),
        Operation::new(Method::GET, "/api/v1/submissions/{id}/receipt", submissions::receipt)
            .says("push", "The signed receipt as it is filed", "JSON, or a page with it inside by Accept.")
            .in_time()
            .keyed()
            .also(200, "The receipt, byte for byte", &["application/json", "text/html"]),
    ]
}

fn of_corrections() -> Vec<Operation> {
    vec![
        Operation::new(Method::POST, "/api/v1/submissions/{id}/withdraw", submissions::withdraw)
            .says(
                "correct",
                "Takes a committed submission back",
                "The slices that are current of it go; what they were before does not come back by itself.",
            )
            .keyed()
            .takes::<Withdrawal>(true)
            .gives::<Verdict>(200, "The deed: a submission that names what it took back, and its receipt"),
        Operation::new(Method::POST, "/api/v1/submissions/{id}/revert", submissions::revert)
            .says(
                "correct",
                "Sends a committed submission again, as it was sent",
                "The hub takes the bytes that it keeps and checks them anew. Needs a key that may read, too.",
            )
            .keyed()
            .takes::<Reversion>(true)
            .gives::<Verdict>(200, "The verdict; a refusal by the check is one too"),
        Operation::new(Method::GET, "/api/v1/submissions/{id}/changes", read::differences)
            .says(
                "correct",
                "What differs, row by row, from an earlier state of the report",
                "Rows carry `_change_type`: insert, delete, update_preimage, update_postimage. A submission without verdict is held beside what is current. Needs a key that may read.",
            )
            .keyed()
            .query("from", "Submission that made the earlier state; left out: the state before")
            .query("replace_all", "true: what the payload lacks would be dropped")
            .query("format", "csv (the default), json, ndjson, arrow or parquet")
            .also(200, "The changes", &ROWS)
            .also(200, "", &["application/json"]),
    ]
}

fn of_bytes() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, "/api/v1/submissions/{id}/payload", original::payload)
            .says(
                "push",
                "The bytes of an accepted submission, as they were sent",
                "To their publisher alone. ETag is their SHA-256, Upload-Length their length; what is cut goes on at an offset.",
            )
            .keyed()
            .query("offset", "How many bytes are here already; left out: 0")
            .also(200, "The bytes from the offset on", &["application/octet-stream"]),
        Operation::new(Method::HEAD, "/api/v1/submissions/{id}/payload", upload::offset)
            .says("push", "From where an upload goes on", "In the header Upload-Offset.")
            .in_time()
            .keyed()
            .also(200, "The durable offset", &[]),
        Operation::new(Method::PATCH, "/api/v1/submissions/{id}/payload", upload::append)
            .says(
                "push",
                "Appends bytes at the durable offset",
                "What came before a cut is kept; ask for the offset and go on there.",
            )
            .keyed()
            .header(
                "Upload-Offset",
                "Where the bytes begin in the plain payload: at the durable offset; bytes before it are skipped, behind it the answer is 409 and names it",
            )
            .packed()
            .takes_bytes("The payload from that offset on")
            .also(204, "All of it is durable; Upload-Offset says how far the payload came", &[]),
        Operation::new(Method::POST, "/api/v1/patterns/{pattern}/submissions", push::push)
            .says(
                "push",
                "Opens, uploads and commits in one request",
                "For short files: what is cut begins anew, safely if the request id is the same.",
            )
            .keyed()
            .needed_query("period", "As 2022-Q4")
            .query("publisher", "As gmina-100201; left out: the key's own organisation")
            .query("request_id", "A UUID that the sender draws; left out, the hub draws one")
            .query("sha256", "SHA-256 of the payload in hex")
            .query("validate_only", "true: check only, keep nothing")
            .query("strict", "true: warnings block too")
            .query("replace_all", "true: drop slices that the payload lacks")
            .query("confirm_deletions", "true: agree that rows are dropped")
            .query("parent_revision", "The current revision that the sender saw")
            .query("nothing_to_report", "true: there is nothing to report, and no body")
            .packed()
            .takes_bytes("The payload; Content-Type is its media type, else the bytes tell it")
            .gives::<Verdict>(200, "The verdict; a refusal by the check is one too"),
    ]
}

fn of_rows() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, "/api/v1/datasets/{dataset}/rows", read::rows)
            .says("read", "Rows of a dataset at one version", "An answer that is cut begins anew.")
            .keyed()
            .query("columns", "In this order, with commas between; left out: all that the key may see")
            .query("where", "Row expression, as dzial = '801'")
            .query("as_of", "A past state: a dataset version or a moment (RFC 3339)")
            .query("format", "csv (the default), json, ndjson, arrow or parquet")
            .also(
                200,
                "The rows; Hub-Dataset-Versions names their version, Hub-Rows says more of it as JSON",
                &ROWS,
            )
            .also(200, "", &["application/json"]),
        Operation::new(Method::POST, "/api/v1/query", read::query)
            .says("read", "One SELECT over all that the key may read", "An answer that is cut begins anew.")
            .keyed()
            .takes::<Query>(true)
            .also(
                200,
                "The rows; Hub-Dataset-Versions names what they stand on, Hub-Rows says more of it as JSON",
                &ROWS,
            )
            .also(200, "", &["application/json"]),
        Operation::new(Method::GET, "/api/v1/query", read::linked)
            .says(
                "read",
                "The same, for permalinks",
                "A permalink gives the same rows as far as the history reaches.",
            )
            .keyed()
            .needed_query("sql", "One SELECT")
            .query("at", "States of tables, with commas between: rb28s@7; what is not named is read at as_of")
            .query("as_of", "A past state: a dataset version or a moment (RFC 3339)")
            .query("format", "csv (the default), json, ndjson, arrow or parquet")
            .also(200, "The rows", &ROWS)
            .also(200, "", &["application/json"]),
        Operation::new(Method::GET, "/api/v1/query/revisions", read::behind)
            .says("read", "The revisions that the rows of a statement may come from", "Never too few.")
            .in_time()
            .keyed()
            .needed_query("sql", "One SELECT")
            .query(
                "at",
                "States of tables, with commas between: rb28s@7; what is not named is read as it stands now",
            )
            .paged()
            .gives::<RevisionsBehind>(200, "A page of them"),
    ]
}

fn of_notices() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, "/api/v1/notices", notices::list)
            .says(
                "be told",
                "Notices: that a report which your organisation pulled was corrected, the newest first",
                "One for each pull and correction. Who took other reports, or columns that do not differ, has none.",
            )
            .in_time()
            .keyed()
            .query("all", "true: also those that are settled")
            .paged()
            .gives::<Notices>(200, "A page of them"),
        Operation::new(Method::POST, "/api/v1/notices/{id}/acknowledge", notices::acknowledge)
            .says(
                "be told",
                "Says that a notice was seen, or that the earlier figure stays in use",
                "A new pull says the first by itself.",
            )
            .in_time()
            .keyed()
            .takes::<Acknowledgement>(false)
            .gives::<Notice>(200, "The notice"),
    ]
}

fn of_subscriptions() -> Vec<Operation> {
    vec![
        Operation::new(Method::POST, "/api/v1/subscriptions", subscriptions::create)
            .says(
                "be told",
                "Has news sent to an address, signed as the Standard Webhooks specification says",
                "At least once, in order, without a gap, from now on. The same request id gives the same subscription.",
            )
            .in_time()
            .keyed()
            .takes::<NewSubscription>(true)
            .gives::<Subscribed>(201, "The subscription, and its secret"),
        Operation::new(Method::GET, "/api/v1/subscriptions", subscriptions::list)
            .says("be told", "Subscriptions of your organisation, and what became of their deliveries", "")
            .in_time()
            .keyed()
            .paged()
            .gives::<Subscriptions>(200, "A page of them"),
        Operation::new(Method::DELETE, "/api/v1/subscriptions/{id}", subscriptions::delete)
            .says("be told", "Ends a subscription; what is owed to it goes", "")
            .in_time()
            .keyed()
            .also(204, "It is gone", &[]),
        Operation::new(Method::POST, "/api/v1/subscriptions/{id}/redeliver", subscriptions::redeliver)
            .says("be told", "Has deliveries that were given up sent again, before later ones", "")
            .in_time()
            .keyed()
            .gives::<Redelivery>(200, "How many"),
    ]
}

fn of_changes() -> Vec<Operation> {
    vec![
        Operation::new(Method::POST, "/api/v1/datasets/{dataset}/sessions", sessions::create)
            .says(
                "read",
                "Pins a dataset version for reading in parts",
                "The session goes on after hours and after a restart of the hub, for nothing of it is kept there.",
            )
            .in_time()
            .keyed()
            .takes::<NewReadSession>(true)
            .gives::<ReadSession>(200, "The session"),
        Operation::new(Method::GET, "/api/v1/sessions/{session}/rows", sessions::rows)
            .says(
                "read",
                "Rows of a session, in their stable order",
                "Arrow rows go on at an offset after a cut; other formats begin anew.",
            )
            .keyed()
            .query("stream", "Which of the session's streams, from 0; left out: 0")
            .query("offset", "Rows of the stream to skip, those that came already")
            .also(200, "The rows, in the session's format", &ROWS),
        Operation::new(Method::GET, "/api/v1/watch", watch::watch)
            .says(
                "read",
                "Tells of dataset versions as they come: server-sent events",
                "Events are `version`, whose data is a WatchEvent, and `alive`. The id of an event is a cursor: with it in Last-Event-ID nothing is left out. A watch ends after an hour.",
            )
            .keyed()
            .query("datasets", "With commas between; left out: all that the key may see")
            .query("since", "The id of the last event that was worked off; left out: from now on")
            .header("Last-Event-ID", "As `since`, and goes before it")
            .tells::<WatchEvent>("The events"),
        Operation::new(Method::GET, "/api/v1/datasets/{dataset}/changes", changes::list)
            .says(
                "read",
                "What changed in a dataset behind a cursor: a page of whole versions, in the order of commits",
                "Rows begin with `_change_type` (insert, delete, update_preimage, update_postimage; erase: all rows of `_submission` are gone for good) and `_dataset_version`. Take the header Hub-Changes: `next_cursor` goes on behind the page once the body is whole, `more` says that there is more now.",
            )
            .keyed()
            .query("since", "`next_cursor` of the page before, or `cursor` of a session; left out: before the first version")
            .query("columns", "Of the pattern; those of the key and the hub's own are there always")
            .query("where", "Row expression over a row as it was and as it is")
            .query("values_only", "true: leave out rows that were sent again with the same values")
            .query("format", "csv (the default), json, ndjson, arrow or parquet")
            .also(200, "The changes; Hub-Changes says what they cover, as JSON", &ROWS)
            .also(200, "", &["application/json"]),
    ]
}
