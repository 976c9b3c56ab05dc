//! `hub receipt verify|keys`, and what other commands do with receipts.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use hub_client::{
    Client, ClientError, Deed, Digest, KeptKeys, KeySet, ReceiptFault, ReceiptForm, ReceiptProblem, Signed,
    compare, read_receipt, signed_receipt, v1, write_receipt,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{print, print_json};
use crate::args::Verify;
use crate::exit::{Exit, Failure};
use crate::session::Session;
use crate::text;

/// `hub receipt keys`: what the hub shows now, for a file; and kept for the profile.
pub(super) async fn keys(session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let kept = meet(session, &client).await?;
    print_json(&kept.keys().to_json())?;
    Ok(Exit::Accepted)
}

/// `hub receipt verify`.
pub(super) fn verify(session: &Session, args: &Verify) -> Result<Exit, Failure> {
    if args.payload.is_some() && args.files.len() > 1 {
        return Err(Failure::Usage(text::RECEIPT_ONE_PAYLOAD.get(session.language).to_owned()));
    }
    let (keys, origin) = keys_at_hand(session, args.keys.as_deref())?;
    let payload = args.payload.as_deref().map(digest).transpose()?;
    eprintln!("{origin}");
    let mut worst = Exit::Accepted;
    for path in &args.files {
        let bytes = fs::read(path).map_err(|source| unreadable(path, source))?;
        let read = match String::from_utf8(bytes) {
            Ok(text) => read_receipt(&text).map_err(ReceiptProblem::from),
            Err(error) => Err(ReceiptFault::NotReceipt(error.to_string()).into()),
        };
        let problem = match &read {
            Err(problem) => Some(problem.clone()),
            Ok(signed) => {
                let compared = |()| payload.as_ref().map_or(Ok(()), |payload| compare(signed, payload));
                hub_client::verify(signed, &keys).and_then(compared).err()
            }
        };
        if problem.is_some() {
            worst = Exit::Blocked;
        }
        tell(session, args, path, read.ok().as_ref(), problem.as_ref())?;
    }
    Ok(worst)
}

fn tell(
    session: &Session,
    args: &Verify,
    path: &Path,
    signed: Option<&Signed>,
    problem: Option<&ReceiptProblem>,
) -> Result<(), Failure> {
    let file = path.display().to_string();
    if session.is_json() {
        let content = signed.map(|signed| serde_json::from_str::<Value>(&signed.text).unwrap_or_default());
        return print_json(&json!({
            "file": file,
            "valid": problem.is_none(),
            "fault": problem.map(code),
            "message": problem.map(ToString::to_string),
            "receipt": content,
        }));
    }
    if let Some(problem) = problem {
        let cause = cause(session, problem);
        return print(&session.say(text::RECEIPT_INVALID, &[("file", &file), ("cause", &cause)]));
    }
    print(&session.say(text::RECEIPT_VALID, &[("file", &file)]))?;
    if let Some(payload) = &args.payload {
        let payload = payload.display().to_string();
        print(&session.say(text::RECEIPT_OF_PAYLOAD, &[("file", &payload)]))?;
    }
    signed.map_or(Ok(()), |signed| print(&said(session, signed)))
}

/// What a receipt says, from the signed text alone.
fn said(session: &Session, signed: &Signed) -> String {
    let receipt = &signed.receipt;
    let publisher = match receipt.publisher_name.as_str() {
        "" => receipt.publisher.clone(),
        name => format!("{} ({})", printable(name), receipt.publisher),
    };
    let (rows, revision) = (receipt.rows.to_string(), receipt.revision.to_string());
    let size = receipt.size.to_string();
    let (says, withdrawn) = match receipt.withdraws.as_deref() {
        Some(withdrawn) => (text::RECEIPT_SAYS_WITHDRAWN, withdrawn),
        None => (text::RECEIPT_SAYS, ""),
    };
    let mut lines = vec![session.say(
        says,
        &[
            ("withdrawn", withdrawn),
            ("publisher", &publisher),
            ("pattern", &receipt.pattern),
            ("period", &receipt.period),
            ("rows", &rows),
            ("revision", &revision),
            ("time", &receipt.committed_at),
            ("submission", &receipt.submission),
            ("size", &size),
            ("sha256", &receipt.sha256),
            ("key", &receipt.key_id),
        ],
    )];
    if let Some(time) = &receipt.signed_at {
        lines.push(session.say(text::RECEIPT_SIGNED_AT, &[("time", time)]));
    }
    if !receipt.erasures.is_empty() {
        let submissions = receipt.erasures.join(", ");
        lines.push(session.say(text::RECEIPT_ERASURES, &[("submissions", &submissions)]));
    }
    lines.join("\n")
}

/// A name that steers no terminal.
fn printable(name: &str) -> String {
    name.chars().map(|letter| if letter.is_control() { '\u{fffd}' } else { letter }).collect()
}

fn cause(session: &Session, problem: &ReceiptProblem) -> String {
    match problem {
        ReceiptProblem::Text(ReceiptFault::NotReceipt(_)) => session.say(text::RECEIPT_NONE, &[]),
        ReceiptProblem::Text(ReceiptFault::Rewritten) => session.say(text::RECEIPT_REWRITTEN, &[]),
        ReceiptProblem::Text(ReceiptFault::Unsigned) => session.say(text::RECEIPT_UNSIGNED, &[]),
        ReceiptProblem::Text(ReceiptFault::PageChanged) => session.say(text::RECEIPT_PAGE, &[]),
        ReceiptProblem::KeyUnknown { key } => session.say(text::RECEIPT_KEY, &[("key", &printable(key))]),
        ReceiptProblem::Text(ReceiptFault::SignatureForm) | ReceiptProblem::Signature => {
            session.say(text::RECEIPT_SIGNATURE, &[])
        }
        ReceiptProblem::KeyRevoked { key } => session.say(text::RECEIPT_REVOKED, &[("key", key)]),
        ReceiptProblem::KeyNotInForce { key, time } => {
            session.say(text::RECEIPT_TIME, &[("key", key), ("time", time)])
        }
        ReceiptProblem::Size { told, found } => {
            session.say(text::RECEIPT_SIZE, &[("told", &told.to_string()), ("found", &found.to_string())])
        }
        ReceiptProblem::Sha256 { told, found } => {
            session.say(text::RECEIPT_SHA256, &[("told", told), ("found", found)])
        }
    }
}

/// For programs; never renamed.
fn code(problem: &ReceiptProblem) -> &'static str {
    match problem {
        ReceiptProblem::Text(ReceiptFault::NotReceipt(_)) => "NOT_A_RECEIPT",
        ReceiptProblem::Text(ReceiptFault::Rewritten) => "REWRITTEN",
        ReceiptProblem::Text(ReceiptFault::Unsigned) => "UNSIGNED",
        ReceiptProblem::Text(ReceiptFault::PageChanged) => "PAGE_CHANGED",
        ReceiptProblem::KeyUnknown { .. } => "KEY_UNKNOWN",
        ReceiptProblem::Text(ReceiptFault::SignatureForm) | ReceiptProblem::Signature => "SIGNATURE_WRONG",
        ReceiptProblem::KeyRevoked { .. } => "KEY_REVOKED",
        ReceiptProblem::KeyNotInForce { .. } => "KEY_NOT_IN_FORCE",
        ReceiptProblem::Size { .. } => "PAYLOAD_SIZE",
        ReceiptProblem::Sha256 { .. } => "PAYLOAD_SHA256",
    }
}

/// The keys of a file, else those that are kept for the profile; and a line that says which.
fn keys_at_hand(session: &Session, file: Option<&Path>) -> Result<(KeySet, String), Failure> {
    if let Some(path) = file {
        let name = path.display().to_string();
        let keys = fs::read_to_string(path).map_err(|source| unreadable(path, source))?;
        let unusable = |fault: hub_client::KeyFault| {
            let values = [("file", name.as_str()), ("cause", &fault.to_string())];
            Failure::Usage(session.say(text::KEYS_UNUSABLE, &values))
        };
        let keys = KeySet::parse(&keys).map_err(unusable)?;
        return Ok((keys, session.say(text::KEYS_OF_FILE, &[("file", &name)])));
    }
    let profile = session.profile_name();
    let kept = KeptKeys::load(&session.environment.config_dir, profile)?;
    if kept.keys().keys.is_empty() {
        return Err(Failure::Usage(session.say(text::KEYS_NONE, &[("profile", profile)])));
    }
    let file = kept.path().display().to_string();
    let origin = session.say(text::KEYS_KEPT, &[("profile", profile), ("file", &file)]);
    Ok((kept.keys().clone(), origin))
}

/// Has the hub's keys, keeps them, and tells what is new.
async fn meet(session: &Session, client: &Client) -> Result<KeptKeys, Failure> {
    let profile = session.profile_name();
    let mut kept = KeptKeys::load(&session.environment.config_dir, profile)?;
    let met = kept.take_up(client.receipt_keys().await?)?;
    let new = if met.first { text::KEYS_MET } else { text::KEYS_NEW };
    for (text, keys) in [(new, met.added), (text::KEYS_MISSING, met.missing)] {
        if !keys.is_empty() {
            eprintln!("{}", session.say(text, &[("profile", profile), ("keys", &keys.join(", "))]));
        }
    }
    Ok(kept)
}

/// A receipt that just came from the hub: its key is kept from the first meeting on, and its signature compared.
pub(super) async fn taken(
    session: &Session,
    client: &Client,
    receipt: &v1::Receipt,
) -> Result<Signed, Failure> {
    let signed = signed_receipt(receipt).map_err(|fault| Failure::Answer(fault.to_string()))?;
    let mut kept = KeptKeys::load(&session.environment.config_dir, session.profile_name())?;
    if kept.keys().get(&signed.receipt.key_id).is_none() {
        kept = meet(session, client).await?;
    }
    let verified = hub_client::verify(&signed, kept.keys());
    verified.map_err(|problem| Failure::Answer(cause(session, &problem)))?;
    Ok(signed)
}

/// The form that a file's name asks for.
pub(super) fn form(session: &Session, file: &Path) -> Result<ReceiptForm, Failure> {
    let name = || file.display().to_string();
    ReceiptForm::of(file).ok_or_else(|| Failure::Usage(session.say(text::RECEIPT_FORM, &[("file", &name())])))
}

/// Writes a receipt in the form that the file's name asks for.
pub(super) fn write(session: &Session, signed: &Signed, file: &Path) -> Result<String, Failure> {
    write_receipt(signed, form(session, file)?, file)?;
    Ok(session.say(text::RECEIPT_WRITTEN, &[("file", &file.display().to_string())]))
}

fn digest(path: &Path) -> Result<Digest, Failure> {
    let read = || -> io::Result<Digest> {
        let (mut file, mut hash, mut size) = (fs::File::open(path)?, Sha256::new(), 0);
        let mut buffer = vec![0; 1 << 18];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => {
                    hash.update(&buffer[..read]);
                    size += read as u64;
                }
            }
        }
        Ok(Digest { size, sha256: hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect() })
    };
    read().map_err(|source| unreadable(path, source))
}

fn unreadable(path: &Path, source: io::Error) -> Failure {
    ClientError::File { deed: Deed::Read, path: path.to_owned(), source }.into()
}
