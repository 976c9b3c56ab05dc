use std::collections::BTreeSet;
use std::sync::Mutex;

use chrono::{DateTime, Duration, NaiveDate, TimeZone as _, Utc};
use hub_datasets::{CodeLists, Patterns};
use hub_proto::Reason;
use proptest::prelude::*;

use super::issue::IssuedKey;
use super::mint::{Register, organisations, unit};
use super::*;
use crate::catalog::{Identifier, Organisation};
use crate::clock::RandomIds;

/// A clock that stands until it is moved.
#[derive(Debug)]
struct HandClock(Mutex<DateTime<Utc>>);

impl HandClock {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Utc.with_ymd_and_hms(2026, 1, 1, 0, 0, 0).unwrap())))
    }
    fn forward(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for HandClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

struct Town {
    _dir: tempfile::TempDir,
    catalog: Arc<Catalog>,
    clock: Arc<HandClock>,
    identity: Identity,
}

impl Town {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let catalog = Arc::new(Catalog::open(&dir.path().join("catalog.sqlite")).await.unwrap());
        for (id, kind) in [("gmina-100201", "gmina"), ("gmina-026401", "gmina"), ("mf", "ministry")] {
            catalog.put_organisation(&organisation(id, kind)).await.unwrap();
        }
        let clock = HandClock::new();
        let identity = Identity::new(Arc::clone(&catalog), Arc::clone(&clock) as Arc<dyn Clock>);
        Self { _dir: dir, catalog, clock, identity }
    }

    async fn key(&self, organisation: &str, scopes: &[Scope], days: Option<i64>) -> IssuedKey {
        let order = KeyOrder {
            organisation: organisation.to_owned(),
            scopes: scopes.iter().copied().collect(),
            label: "office".to_owned(),
            expires_at: days.map(|days| self.clock.now() + Duration::days(days)),
        };
        issue_key(&self.catalog, &*self.clock, &RandomIds, order).await.unwrap()
    }

    fn enter(&self, key: &IssuedKey) -> Result<Principal, IdentityError> {
        self.identity.authenticate(Some(&format!("Bearer {}", key.key.reveal())))
    }

    async fn caller(&self, organisation: &str, scopes: &[Scope]) -> Principal {
        self.enter(&self.key(organisation, scopes, None).await).unwrap()
    }
}

fn organisation(id: &str, kind: &str) -> Organisation {
    let terc6 = id.strip_prefix("gmina-").map(|code| Identifier {
        scheme: "terc6".to_owned(),
        value: code.to_owned(),
        valid_from: None,
        valid_to: None,
    });
    Organisation {
        id: id.to_owned(),
        name: id.to_owned(),
        kind: kind.to_owned(),
        identifiers: terc6.into_iter().collect(),
    }
}

/// An embedded pattern with another sensitivity.
fn pattern(sensitivity: Sensitivity) -> Pattern {
    let patterns = Patterns::embedded().unwrap();
    let mut pattern = (*patterns.get("rb28s").unwrap()).clone();
    pattern.sensitivity = sensitivity;
    pattern
}

/// A public pattern with one column that is not.
fn mixed_pattern() -> Pattern {
    let mut pattern = pattern(Sensitivity::Public);
    pattern.columns.last_mut().unwrap().sensitivity = Sensitivity::Restricted;
    pattern
}

fn reason<T: std::fmt::Debug>(result: Result<T, IdentityError>) -> Reason {
    result.unwrap_err().reason()
}

#[tokio::test]
async fn a_key_opens_until_it_expires() {
    let town = Town::new().await;
    let key = town.key("gmina-100201", &[Scope::Push], Some(1)).await;
    let caller = town.enter(&key).unwrap();
    assert_eq!((caller.organisation.as_str(), caller.ministry), ("gmina-100201", false));
    // Within the time that a verified key is believed, its expiry still counts.
    town.clock.forward(Duration::days(1) - Duration::seconds(1));
    town.enter(&key).unwrap();
    town.clock.forward(Duration::seconds(1));
    let error = town.enter(&key).unwrap_err();
    assert!(error.to_string().contains("expired at 2026-01-02 00:00 UTC"), "{error}");
    assert_eq!(error.reason(), Reason::CredentialInvalid);
}

#[tokio::test]
async fn a_revoked_key_opens_no_more() {
    let town = Town::new().await;
    let key = town.key("gmina-100201", &[Scope::Push], None).await;
    assert!(town.catalog.revoke_credential(&key.id, town.clock.now()).await.unwrap());
    assert_eq!(reason(town.enter(&key)), Reason::CredentialInvalid);
    assert!(!town.catalog.revoke_credential(&key.id, town.clock.now()).await.unwrap());
}

#[tokio::test]
async fn headers_that_hold_no_key_are_told_apart() {
    let town = Town::new().await;
    let stranger = format!("bearer {}", ApiKey::generate().unwrap().reveal());
    for (header, expected) in [
        (None, Reason::CredentialMissing),
        (Some("  "), Reason::CredentialMissing),
        (Some("Basic aHVi"), Reason::CredentialInvalid),
        (Some("Bearer hub_short"), Reason::CredentialInvalid),
        (Some(stranger.as_str()), Reason::CredentialInvalid),
    ] {
        let error = town.identity.authenticate(header).unwrap_err();
        assert_eq!(error.reason(), expected, "{header:?}");
        assert!(!error.to_string().contains("aHVi") && !error.to_string().contains("short"), "{error}");
    }
}

#[tokio::test]
async fn one_pushes_for_oneself() {
    let town = Town::new().await;
    let (identity, pattern) = (&town.identity, pattern(Sensitivity::Public));
    let kutno = town.caller("gmina-100201", &[Scope::Push]).await;
    for publisher in [None, Some("gmina-100201")] {
        let permit = identity.push(&kutno, &pattern, publisher).unwrap();
        assert_eq!((permit.caller(), permit.publisher()), ("gmina-100201", "gmina-100201"));
        assert_eq!(permit.pattern(), "rb28s");
    }
    let wroclaw = town.caller("gmina-026401", &[Scope::Push]).await;
    let error = identity.push(&wroclaw, &pattern, Some("gmina-100201")).unwrap_err();
    assert_eq!(error.reason(), Reason::PublisherNotPermitted);
    for unknown in ["gmina-999999", "../../etc", &"x".repeat(100_000)] {
        let error = identity.push(&wroclaw, &pattern, Some(unknown)).unwrap_err();
        assert_eq!(error.reason(), Reason::PublisherUnknown);
        assert!(error.to_string().len() < 400, "the message is bounded");
    }
}

#[tokio::test]
async fn a_key_does_what_its_scope_says() {
    let town = Town::new().await;
    let (identity, pattern) = (&town.identity, pattern(Sensitivity::Public));
    let reader = town.caller("gmina-100201", &[Scope::Read]).await;
    let pusher = town.caller("gmina-100201", &[Scope::Push]).await;
    assert_eq!(reason(identity.push(&reader, &pattern, None)), Reason::ScopeMissing);
    assert_eq!(reason(identity.submissions(&reader)), Reason::ScopeMissing);
    assert_eq!(reason(identity.read(&pusher, &pattern)), Reason::ScopeMissing);
    assert_eq!(identity.submissions(&pusher).unwrap().publisher(), "gmina-100201");
    identity.read(&reader, &pattern).unwrap();
}

#[tokio::test]
async fn readers_see_what_their_role_covers() {
    let town = Town::new().await;
    let identity = &town.identity;
    let kutno = town.caller("gmina-100201", &[Scope::Read]).await;
    let ministry = town.caller("mf", &[Scope::Read]).await;
    let own = Rows::Of("gmina-100201".to_owned());

    let mut open = pattern(Sensitivity::Public);
    for column in &mut open.columns {
        column.sensitivity = Sensitivity::Public;
        column.open_rule = hub_datasets::pattern::OpenRule::Keep;
    }
    for caller in [&kutno, &ministry] {
        let permit = identity.read(caller, &open).unwrap();
        assert_eq!((permit.rows(), permit.columns().len()), (&Rows::All, open.columns.len()));
        assert_eq!(permit.reader(), caller.organisation);
    }
    assert_eq!(identity.open(&open).unwrap().reader(), "open");

    let mixed = mixed_pattern();
    let hidden = &mixed.columns.last().unwrap().name;
    let permit = identity.read(&ministry, &mixed).unwrap();
    assert_eq!(permit.rows(), &Rows::All);
    assert!(!permit.columns().contains(hidden));
    let permit = identity.read(&kutno, &mixed).unwrap();
    assert_eq!(permit.rows(), &own);
    assert!(permit.columns().contains(hidden));
    assert_eq!(reason(identity.open(&mixed)), Reason::ReadNotPermitted);

    let restricted = pattern(Sensitivity::Restricted);
    assert_eq!(identity.read(&kutno, &restricted).unwrap().rows(), &own);
    assert_eq!(reason(identity.read(&ministry, &restricted)), Reason::ReadNotPermitted);
    assert_eq!(reason(identity.open(&restricted)), Reason::ReadNotPermitted);
}

#[tokio::test]
async fn keys_are_issued_to_known_organisations_with_a_scope() {
    let town = Town::new().await;
    let order = KeyOrder {
        organisation: "gmina-100201".to_owned(),
        scopes: BTreeSet::from([Scope::Push]),
        label: String::new(),
        expires_at: None,
    };
    let issue = |order| issue_key(&town.catalog, &*town.clock, &RandomIds, order);
    let nobody = KeyOrder { organisation: "nobody".to_owned(), ..order.clone() };
    assert_eq!(reason(issue(nobody).await), Reason::PublisherUnknown);
    let powerless = KeyOrder { scopes: BTreeSet::new(), ..order.clone() };
    assert_eq!(reason(issue(powerless).await), Reason::RequestInvalid);
    let late = KeyOrder { expires_at: Some(town.clock.now()), ..order };
    assert_eq!(reason(issue(late).await), Reason::RequestInvalid);
}

#[test]
fn a_key_has_256_bits_and_keeps_its_secret() {
    assert!(43.0 * 62_f64.log2() > 256.0);
    let key = ApiKey::generate().unwrap();
    assert_eq!(key.reveal().len(), 47);
    assert_eq!(format!("{key:?} {:?}", Some(&key)), "hub_*** Some(hub_***)");
    let parsed: ApiKey = key.reveal().parse().unwrap();
    assert_eq!(parsed.hash(), key.hash());
    assert_ne!(ApiKey::generate().unwrap().hash(), key.hash());
    for wrong in ["", "hub_", &key.reveal()[4..], &format!("{}a", key.reveal()), &"ż".repeat(24)] {
        let error = wrong.parse::<ApiKey>().unwrap_err().to_string();
        assert_eq!(error, "an API key is `hub_` and 43 letters and digits");
    }
}

#[test]
fn letters_of_keys_are_drawn_evenly() {
    // 12,900 letters: each of 62 is expected 208 times; ±8 standard deviations never happen by chance.
    let mut seen = [0_u32; 128];
    for _ in 0..300 {
        for byte in ApiKey::generate().unwrap().reveal().bytes().skip(4) {
            seen[usize::from(byte)] += 1;
        }
    }
    let letters: Vec<u32> = seen.into_iter().filter(|count| *count > 0).collect();
    assert_eq!(letters.len(), 62);
    assert!(letters.iter().all(|count| (93..=323).contains(count)), "{letters:?}");
}

proptest! {
    #[test]
    fn nothing_but_the_form_is_a_key(text in "(hub_)?[0-9A-Za-z_ ]{40,45}") {
        let fits = text.len() == 47 && text.starts_with("hub_")
            && text[4..].bytes().all(|byte| byte.is_ascii_alphanumeric());
        prop_assert_eq!(text.parse::<ApiKey>().is_ok(), fits);
    }
}

#[test]
fn organisations_are_checked_before_they_are_kept() {
    let valid = organisation("gmina-100201", "gmina");
    validate_organisation(&valid).unwrap();
    let with = |scheme: &str, value: &str| {
        let identifier = Identifier {
            scheme: scheme.to_owned(),
            value: value.to_owned(),
            valid_from: None,
            valid_to: None,
        };
        validate_organisation(&Organisation { identifiers: vec![identifier], ..valid.clone() })
    };
    // Real ones: GUS.
    with("regon", "000331501").unwrap();
    with("regon", "00033150100000").unwrap();
    with("nip", "5261040828").unwrap();
    for (scheme, value) in [
        ("regon", "000331502"),
        ("regon", "00033150100001"),
        ("nip", "5261040829"),
        ("terc6", "1002011"),
        ("terc6", "10020a"),
        ("krs", "1"),
    ] {
        let error = with(scheme, value).unwrap_err();
        assert_eq!(error.reason(), Reason::RequestInvalid, "{scheme} {value}");
    }
    for id in ["", "Gmina", "1gmina", "gmina/1", "../x", "open", &"a".repeat(64)] {
        let organisation = Organisation { id: id.to_owned(), ..valid.clone() };
        assert!(validate_organisation(&organisation).is_err(), "{id}");
    }
}

fn register(day: &str, lines: &[(&str, &str, &str)]) -> Register {
    let units = lines.iter().filter_map(|(code, name, kind)| {
        let part = |from: usize, to: usize| code.get(from..to).unwrap_or_default().to_owned();
        unit(&[part(0, 2), part(2, 4), part(4, 6), part(6, 7)], name, kind)
    });
    Register { valid_from: day.parse().unwrap(), units: units.collect() }
}

#[test]
fn units_of_the_register_are_dated_between_its_versions() {
    let old = register(
        "2020-01-01",
        &[
            ("10", "ŁÓDZKIE", "województwo"),
            ("1002", "kutnowski", "powiat"),
            ("1002011", "Kutno", "gmina miejska"),
            ("3203042", "Ostrowice", "gmina wiejska"),
        ],
    );
    let new = register(
        "2025-01-01",
        &[
            ("10", "ŁÓDZKIE", "województwo"),
            ("1002", "kutnowski", "powiat"),
            ("1002011", "Kutno", "gmina miejska"),
            ("0264", "Wrocław", "miasto na prawach powiatu"),
            ("0264011", "Wrocław", "gmina miejska"),
            ("0264029", "Wrocław-Fabryczna", "delegatura"),
        ],
    );
    let minted = organisations(&[old, new]);
    let ids: Vec<&str> = minted.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["gmina-026401", "gmina-100201", "gmina-320304", "powiat-1002", "wojewodztwo-10"]);
    let on = |id: &str, scheme: &str, day: &str| {
        let one = minted.iter().find(|one| one.id == id).unwrap();
        one.identifier_on(scheme, day.parse().unwrap()).map(str::to_owned)
    };
    assert_eq!(on("gmina-100201", "terc6", "1999-01-01").as_deref(), Some("100201"));
    assert_eq!(on("gmina-026401", "terc4", "2025-01-01").as_deref(), Some("0264"));
    assert_eq!(on("powiat-1002", "terc6", "2025-01-01").as_deref(), Some("100200"));
    assert_eq!(on("wojewodztwo-10", "terc6", "2025-01-01").as_deref(), Some("100000"));
    // Between two registers the codes of both hold.
    assert_eq!(on("gmina-026401", "terc6", "2020-01-01"), None);
    assert!(on("gmina-026401", "terc6", "2020-01-02").is_some());
    assert!(on("gmina-320304", "terc6", "2024-12-31").is_some());
    assert_eq!(on("gmina-320304", "terc6", "2025-01-01"), None);
    for organisation in &minted {
        validate_organisation(organisation).unwrap();
    }
}

#[tokio::test]
async fn the_whole_register_is_minted_once_and_keeps_what_operators_added() {
    let town = Town::new().await;
    let lists = CodeLists::embedded().unwrap();
    let mut kutno = organisation("gmina-100201", "gmina");
    kutno.identifiers.push(Identifier {
        scheme: "regon".to_owned(),
        value: "000331501".to_owned(),
        valid_from: None,
        valid_to: None,
    });
    town.catalog.put_organisation(&kutno).await.unwrap();
    let minted = mint_from_terc(&town.catalog, &lists).await.unwrap();
    assert!((2_809..2_830).contains(&minted), "{minted}");
    assert_eq!(mint_from_terc(&town.catalog, &lists).await.unwrap(), 0, "nothing is left to do");

    let day = NaiveDate::from_ymd_opt(2025, 6, 30).unwrap();
    let all = town.catalog.all_organisations().await.unwrap();
    let units = |kind: &str, scheme: &str| {
        let of_kind = all.iter().filter(|one| kind.is_empty() || one.kind == kind);
        of_kind.filter(|one| one.identifier_on(scheme, day).is_some()).count()
    };
    assert_eq!(units("gmina", "terc6"), 2_479);
    // 314 counties and 66 cities with county rights.
    assert_eq!((units("powiat", "terc4"), units("", "terc4")), (314, 380));
    assert_eq!(units("wojewodztwo", "terc2"), 16);
    let kutno = town.catalog.organisation("gmina-100201").unwrap();
    assert_eq!(kutno.identifier_on("regon", day), Some("000331501"));
    assert_eq!(kutno.identifier_on("terc6", day), Some("100201"));
}

#[tokio::test]
async fn bytes_go_back_to_who_may_read() {
    let town = Town::new().await;
    let reader = town.caller("gmina-100201", &[Scope::Read]).await;
    assert_eq!(town.identity.payloads(&reader).unwrap().publisher(), "gmina-100201");
    let pusher = town.caller("gmina-100201", &[Scope::Push]).await;
    assert_eq!(reason(town.identity.payloads(&pusher)), Reason::ScopeMissing);
}
