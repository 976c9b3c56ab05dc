//! Everything that the command says to people, in Polish and English. Words as in docs/glossary.md.

/// Language of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Polish,
    English,
}

/// A text in both languages, with `{name}` for what is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text {
    pl: &'static str,
    en: &'static str,
}

impl Text {
    pub(crate) fn get(self, language: Language) -> &'static str {
        match language {
            Language::Polish => self.pl,
            Language::English => self.en,
        }
    }

    pub(crate) fn with(self, language: Language, values: &[(&str, &str)]) -> String {
        let mut out = String::new();
        let mut rest = self.get(language);
        // One pass, so that a value that looks like a place is left as it is.
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let Some((name, tail)) = after.split_once('}') else { break };
            out.push_str(values.iter().find(|(n, _)| *n == name).map_or("", |(_, value)| value));
            rest = tail;
        }
        out.push_str(rest);
        out
    }
}

macro_rules! texts {
    ($($name:ident: $pl:literal, $en:literal;)+) => {
        $(pub(crate) const $name: Text = Text { pl: $pl, en: $en };)+
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, Text)] = &[$((stringify!($name), $name),)+];
    };
}

texts! {
    ACCEPTED: "{file}: przyjęto, wersja {revision}, wersja zbioru {version}, wierszy: {rows}",
        "{file}: accepted, revision {revision}, dataset version {version}, rows: {rows}";
    UNCHANGED: "{file}: bez zmian, te same dane już obowiązują (wersja {revision}, wersja zbioru {version})",
        "{file}: unchanged, the same data is current already (revision {revision}, dataset version {version})";
    VALIDATED: "{file}: sprawdzono na próbę, nic nie zostało zapisane",
        "{file}: checked only, nothing was kept";
    PUSH_REFUSED: "{file}: odrzucono ({reason}), nic nie zostało przyjęte",
        "{file}: refused ({reason}), nothing was accepted";
    PUSH_OTHER: "{file}: stan {state}", "{file}: state {state}";
    NOTHING: "brak danych do sprawozdania", "nothing to report";
    RECEIPT: "  UPO: {receipt}", "  receipt: {receipt}";
    CARRIED: "  bez zmian pozostają części, których plik nie zawiera: {slices}",
        "  parts that the file lacks stay as they were: {slices}";
    DROPPED: "  usunięto części, których plik nie zawiera: {slices}",
        "  parts that the file lacks were dropped: {slices}";
    RESUMED: "{file}: wznawiam wysyłanie rozpoczęte wcześniej", "{file}: going on with a push that was begun earlier";
    FILE_CHECKED: "{file}:", "{file}:";
    STRICT: "  uwagi zatrzymują wysłanie (--strict)", "  warnings block (--strict)";
    WARNINGS: "  uwag w raporcie: {count}; szczegóły: hub submissions report {submission}",
        "  remarks in the report: {count}; details: hub submissions report {submission}";
    REST_OF_REPORT: "zobacz wszystkie: hub submissions report {submission}",
        "see all of them: hub submissions report {submission}";
    REST_OF_CHECK: "zobacz wszystkie: hub check, z tym samym plikiem", "see all of them: hub check, with the same file";
    STANDS_ON: "zbiór {dataset}, wersja {version}{coverage}", "dataset {dataset}, version {version}{coverage}";
    COVERAGE: ", jednostki: {reporting} z {expected} oczekiwanych (wg {source})",
        ", units: {reporting} of {expected} expected (by {source})";
    PULLED: "{file}: wierszy: {rows}, bajtów: {bytes}", "{file}: {rows} rows, {bytes} bytes";
    ABANDONED: "{submission}: porzucono", "{submission}: abandoned";
    EMPTY: "(brak)", "(none)";
    SENDING: "wysyłam", "sending";
    PULLING: "pobieram", "pulling";
    CHECKING: "sprawdzam", "checking";
    NOT_REACHED: "brak połączenia z hubem {endpoint} przez {seconds} s ({cause}). Sprawdź adres, sieć i czy hub działa, a potem powtórz polecenie: zacznie tam, gdzie przerwało.",
        "hub not reached at {endpoint} for {seconds} s ({cause}). Check the address, the network and that the hub runs, then repeat the command: it goes on where it stopped.";
    INCOMPLETE: "odpowiedź huba {endpoint} nie jest kompletna: {message}. Powtórz polecenie.",
        "the answer of the hub {endpoint} is not whole: {message}. Repeat the command.";
    REFUSED: "hub odmówił ({reason}): {message}", "the hub refused ({reason}): {message}";
    CLOSED: "przesyłka {submission} jest zamknięta ({state}); powtórz polecenie, aby otworzyć nową",
        "submission {submission} is closed ({state}); repeat the command to open a new one";
    ADVICE_CREDENTIAL: "Sprawdź klucz (token) w profilu: mógł wygasnąć albo zostać cofnięty.",
        "Check the key (token) in the profile: it may have expired or been revoked.";
    ADVICE_PUBLISHER: "Ten klucz nie pozwala wysyłać za tę jednostkę: użyj jej profilu albo jej pełnomocnictwa.",
        "This key may not push for that publisher: use its own profile, or a mandate.";
    ADVICE_READ: "Ten klucz nie pozwala czytać tych danych; poproś operatora huba o dostęp.",
        "This key may not read this; ask the hub's operator for access.";
    ADVICE_SCOPE: "Zakres klucza nie obejmuje tej czynności; poproś operatora huba o inny klucz.",
        "The key's scope does not cover this; ask the hub's operator for another key.";
    ADVICE_REVISION: "Ktoś przysłał w międzyczasie korektę; obejrzyj ją (hub submissions list) i wyślij jeszcze raz.",
        "A correction came in the meantime; look at it (hub submissions list) and push again.";
    ADVICE_DELETION: "To wysłanie usunęłoby wiersze; jeśli tak ma być, dodaj --confirm-deletions.",
        "This push would drop rows; if that is meant, add --confirm-deletions.";
    ADVICE_PERIOD: "Okres w pliku i w poleceniu (--period) muszą być te same.",
        "The period in the file and in the command (--period) must be the same.";
    ADVICE_PUBLISHER_MISMATCH: "Plik należy do innej jednostki niż ta, za którą wysyłasz.",
        "The file belongs to another publisher than the one you push for.";
    ADVICE_LATER: "Spróbuj ponownie za chwilę.", "Try again in a moment.";
    UNKNOWN_MEDIA: "{file}: nieznane rozszerzenie; wyślij plik .csv albo .arrow",
        "{file}: unknown extension; send a .csv or .arrow file";
    UNKNOWN_FORMAT: "{file}: nieznane rozszerzenie; napisz .parquet, .csv, .arrow albo .ndjson",
        "{file}: unknown extension; write .parquet, .csv, .arrow or .ndjson";
    UNKNOWN_PATTERN: "nieznany wzór {pattern}; znane: {known}", "unknown pattern {pattern}; known: {known}";
    OFFLINE_FAULT: "{file}: nie można odczytać: {cause}", "{file}: cannot be read: {cause}";
}

#[cfg(test)]
mod tests;
