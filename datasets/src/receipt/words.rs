//! What the page says: each label in Polish, and beneath it in English. Words as in docs/glossary.md.

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use chrono_tz::{Europe::Warsaw, OffsetName as _};

/// A label in both languages.
pub(super) type Label = (&'static str, &'static str);

pub(super) const TITLE: Label =
    ("Potwierdzenie przyjęcia danych (UPO)", "Receipt for data that was accepted");
pub(super) const TITLE_OF_WITHDRAWAL: Label =
    ("Potwierdzenie wycofania danych (UPO)", "Receipt for data that was withdrawn");
pub(super) const PUBLISHER: Label = ("Nadawca", "Publisher");
pub(super) const PATTERN: Label = ("Wzór", "Pattern");
pub(super) const PERIOD: Label = ("Okres", "Period");
pub(super) const VERDICT: Label = ("Wynik", "Verdict");
pub(super) const COMMITTED: Label = ("Przyjęto", "Committed");
pub(super) const WITHDRAWN: Label = ("wycofano", "withdrawn");
pub(super) const WITHDRAWN_AT: Label = ("Wycofano", "Withdrawn");
pub(super) const WITHDRAWS: Label = ("Wycofana przesyłka", "Submission that was withdrawn");
pub(super) const ROWS: Label = ("Wiersze", "Rows");
pub(super) const SLICES: Label = ("Części", "Slices");
pub(super) const REVISION: Label = ("Wersja przesyłki", "Revision");
pub(super) const DATASET: Label = ("Zbiór danych, wersja zbioru", "Dataset, dataset version");
pub(super) const CARRIED: Label = ("Części pozostawione bez zmian", "Slices carried over");
pub(super) const DROPPED: Label = ("Części usunięte", "Slices dropped");
pub(super) const SUBMISSION: Label = ("Przesyłka", "Submission");
pub(super) const MEDIA: Label = ("Plik: rodzaj, bajty", "File: media type, bytes");
pub(super) const SHA256: Label = ("Plik: SHA-256", "File: SHA-256");
pub(super) const REPORT: Label = ("Raport: SHA-256", "Report: SHA-256");
pub(super) const BUNDLE: Label = ("Wzór i słowniki: SHA-256", "Pattern and code lists: SHA-256");
pub(super) const HUB: Label = ("Hub", "Hub");
pub(super) const ERASURES: Label = ("Później usunięto na zawsze", "Erased for good since");
pub(super) const SIGNED: Label = ("Podpisano ponownie", "Signed anew");
pub(super) const KEY: Label = ("Klucz (identyfikator)", "Key (id)");
pub(super) const SIGNATURE: Label = ("Podpis (Ed25519)", "Signature (Ed25519)");
pub(super) const NOTHING: Label = ("brak danych do sprawozdania", "nothing to report");

/// How to compare, as paragraphs of a page.
pub(super) const HOW: [Label; 3] = [
    (
        "Ten plik zawiera potwierdzenie podpisane przez hub. Sprawdzisz je bez połączenia z hubem: <code>hub receipt verify PLIK.html</code>, a razem z wysłanym plikiem: <code>hub receipt verify PLIK.html --payload DANE.csv</code>. Polecenie porównuje też to, co widać na tej stronie, z tym, co podpisano.",
        "This file holds the receipt that the hub signed. It can be verified without the hub: <code>hub receipt verify FILE.html</code>, and with the file that was sent: <code>hub receipt verify FILE.html --payload DATA.csv</code>. The command compares what this page shows with what was signed, too.",
    ),
    (
        "Klucze huba są pod jego adresem <code>/.well-known/jwks.json</code>; stare klucze pozostają tam na zawsze. Zachowaj je razem z potwierdzeniem: <code>hub receipt keys &gt; klucze.json</code>.",
        "The hub's keys are at its address <code>/.well-known/jwks.json</code>; old keys stay there for ever. Keep them with the receipt: <code>hub receipt keys &gt; keys.json</code>.",
    ),
    (
        "Podpis jest podpisem technicznym huba, a nie kwalifikowaną pieczęcią elektroniczną. Wydruk jest kopią: sprawdzić można tylko plik.",
        "The signature is a technical one of the hub and no qualified electronic seal. A print is a copy: only the file can be verified.",
    ),
];

/// The verdict with what was found.
pub(super) fn verdict(verdict: &str) -> Option<Label> {
    match verdict {
        "accepted" => Some(("przyjęto", "accepted")),
        "accepted-with-warnings" => Some(("przyjęto z uwagami", "accepted with remarks")),
        _ => None,
    }
}

/// A severity of findings.
pub(super) fn severity(name: &str) -> Option<Label> {
    match name {
        "info" => Some(("informacje", "notes")),
        "warn" => Some(("uwagi", "warnings")),
        "must-explain" => Some(("do wyjaśnienia", "to explain")),
        _ => None,
    }
}

const MONTHS: [&str; 12] = [
    "stycznia",
    "lutego",
    "marca",
    "kwietnia",
    "maja",
    "czerwca",
    "lipca",
    "sierpnia",
    "września",
    "października",
    "listopada",
    "grudnia",
];

/// A moment as clerks say it, with the zone that tells the two hours of an autumn night apart.
pub(super) fn civil(moment: DateTime<Utc>) -> String {
    let local = moment.with_timezone(&Warsaw);
    let month = MONTHS.get(local.month0() as usize).copied().unwrap_or_default();
    let (hour, minute, second) = (local.hour(), local.minute(), local.second());
    let zone = local.offset().abbreviation().unwrap_or_default();
    format!("{} {month} {} r., {hour:02}:{minute:02}:{second:02} ({zone})", local.day(), local.year())
}
