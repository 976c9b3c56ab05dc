//! Canonical JSON (RFC 8785) for what is hashed and signed: sorted names, no spaces, one way to write
//! each text. Numbers are integers within 2^53; anything else has no place in a receipt.

use serde_json::Value;

#[cfg(test)]
mod tests;

/// Largest integer that every JSON reader holds exactly.
const EXACT: u64 = (1 << 53) - 1;

/// A number that readers of JSON would round.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{number} has no canonical form; write it as text")]
pub struct NotCanonical {
    number: String,
}

/// The canonical text of a value.
pub fn canonical(value: &Value) -> Result<String, NotCanonical> {
    let mut out = String::new();
    write(value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String) -> Result<(), NotCanonical> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => {
            let exact = number.as_i64().is_some_and(|n| n.unsigned_abs() <= EXACT);
            if !exact {
                return Err(NotCanonical { number: number.to_string() });
            }
            out.push_str(&number.to_string());
        }
        Value::String(text) => write_text(text, out),
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Object(members) => {
            // The order is that of UTF-16 code units, which is that of UTF-8 bytes only within ASCII.
            let mut sorted: Vec<_> = members.iter().collect();
            let is_ascii = sorted.iter().all(|(name, _)| name.is_ascii());
            if !is_ascii || !sorted.is_sorted_by(|a, b| a.0 <= b.0) {
                sorted.sort_by(|a, b| a.0.encode_utf16().cmp(b.0.encode_utf16()));
            }
            out.push('{');
            for (n, (name, item)) in sorted.into_iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_text(name, out);
                out.push(':');
                write(item, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

fn write_text(text: &str, out: &mut String) {
    out.push('"');
    if text.bytes().all(|b| b >= 0x20 && b != b'"' && b != b'\\') {
        out.push_str(text);
        out.push('"');
        return;
    }
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
