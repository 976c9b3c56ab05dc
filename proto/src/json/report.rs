//! The shape of a report, as the core writes it.

use hub_datasets::Report;
use serde_json::{Map, Value, json};

use super::Shape;

fn text() -> Value {
    json!({ "type": "string" })
}

fn number() -> Value {
    json!({ "type": "integer", "format": "int64", "minimum": 0 })
}

/// An object with these members.
fn object(members: &[(&str, Value)], optional: &[&str]) -> Value {
    let properties: Map<String, Value> =
        members.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    let required: Vec<&str> =
        members.iter().map(|(name, _)| *name).filter(|name| !optional.contains(name)).collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

fn list(of: Value) -> Value {
    json!({ "type": "array", "items": of })
}

impl Shape for Report {
    fn schema() -> Value {
        json!({ "$ref": "#/components/schemas/Report" })
    }

    fn describe(components: &mut Map<String, Value>) {
        let severity = json!({ "type": "string", "enum": ["info", "warn", "must-explain", "block"] });
        let count = object(
            &[
                ("code", text()),
                ("severity", severity.clone()),
                ("rule", text()),
                ("count", number()),
                ("explained", number()),
            ],
            &["rule", "explained"],
        );
        let violation = object(
            &[
                ("code", text()),
                ("severity", severity),
                ("rule", text()),
                ("row", number()),
                ("key", text()),
                ("column", text()),
                ("value", text()),
                ("expected", text()),
                ("message_pl", text()),
                ("message_en", text()),
                ("hint_pl", text()),
                ("hint_en", text()),
                ("explanation", text()),
            ],
            &["rule", "key", "column", "value", "expected", "hint_pl", "hint_en", "explanation"],
        );
        let example = object(&[("row", number()), ("from", text()), ("to", text())], &[]);
        let normalised = object(
            &[("change", text()), ("column", text()), ("count", number()), ("examples", list(example))],
            &["column"],
        );
        let explanation = object(&[("rule", text()), ("text", text())], &[]);
        let later = object(
            &[
                ("counts", list(count.clone())),
                ("violations", list(violation.clone())),
                ("pending", list(text())),
            ],
            &["pending"],
        );
        let mut report = object(
            &[
                ("pattern", text()),
                ("bundle_sha256", text()),
                ("rows_read", number()),
                ("rows_refused", number()),
                ("rows_set_aside", number()),
                ("counts", list(count)),
                ("violations", list(violation)),
                ("not_evaluated", list(text())),
                ("pending", list(text())),
                ("explanations", list(explanation)),
                ("normalised", list(normalised)),
                ("later", later),
            ],
            &["pending", "explanations", "normalised", "later"],
        );
        if let Some(report) = report.as_object_mut() {
            let about = "What a check found: up to 1,000 violations by row and column, and exact counts.";
            report.insert("description".to_owned(), about.into());
        }
        components.insert("Report".to_owned(), report);
    }
}
