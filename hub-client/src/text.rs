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
    pub(crate) const fn new(pl: &'static str, en: &'static str) -> Self {
        Self { pl, en }
    }

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
        $(pub(crate) const $name: Text = Text::new($pl, $en);)+
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
    PUSH_AWAITS: "{file}: czeka na wyjaśnienie, nic nie zostało jeszcze przyjęte",
        "{file}: waits for an explanation, nothing was accepted yet";
    COMPARES_NOTHING: "{file}: wzór {pattern} niczego z tym plikiem nie porównuje",
        "{file}: pattern {pattern} compares nothing with this file";
    OTHER_UNREADABLE: "{file}: tego pliku nie można porównać, bo sam ma błędy; sprawdź go najpierw: hub check",
        "{file}: this file cannot be compared with, it has errors itself; check it first: hub check";
    PUSH_OTHER: "{file}: stan {state}", "{file}: state {state}";
    NOTHING: "brak danych do sprawozdania ({pattern}, okres {period})", "nothing to report ({pattern}, period {period})";
    RECEIPT: "  UPO: {receipt}", "  receipt: {receipt}";
    RECEIPT_WRITTEN: "  UPO zapisano: {file}", "  receipt written: {file}";
    RECEIPT_OF_ONE: "--receipt zapisuje UPO jednego pliku; wyślij pliki osobno albo użyj potem: hub submissions receipt ID --out PLIK",
        "--receipt writes the receipt of one file; push the files one by one, or use later: hub submissions receipt ID --out FILE";
    RECEIPT_FORM: "{file}: nieznane rozszerzenie; napisz .json albo .html", "{file}: unknown extension; write .json or .html";
    RECEIPT_VALID: "{file}: ważne", "{file}: valid";
    RECEIPT_INVALID: "{file}: NIEWAŻNE: {cause}", "{file}: NOT VALID: {cause}";
    RECEIPT_SAYS: "  nadawca {publisher}, wzór {pattern}, okres {period}, wierszy: {rows}, wersja {revision}\n  przyjęto {time}, przesyłka {submission}\n  plik: bajtów {size}, SHA-256 {sha256}\n  klucz {key}",
        "  publisher {publisher}, pattern {pattern}, period {period}, rows: {rows}, revision {revision}\n  committed {time}, submission {submission}\n  file: {size} bytes, SHA-256 {sha256}\n  key {key}";
    RECEIPT_SAYS_WITHDRAWN: "  UPO wycofania: nadawca {publisher}, wzór {pattern}, okres {period}, wersja {revision}\n  wycofano {time} przesyłkę {withdrawn}, przesyłka {submission}\n  klucz {key}",
        "  receipt of a withdrawal: publisher {publisher}, pattern {pattern}, period {period}, revision {revision}\n  withdrawn {time} was submission {withdrawn}, submission {submission}\n  key {key}";
    RECEIPT_SIGNED_AT: "  podpisano ponownie {time}: klucz z chwili przyjęcia już nie podpisuje",
        "  signed anew at {time}: the key of the time of the commit signs no more";
    RECEIPT_ERASURES: "  po przyjęciu usunięto na zawsze przesyłki {submissions}; nazwy części, które przysłały tylko one, zastąpiono",
        "  since the commit submissions {submissions} were erased; names of slices that they alone had sent were replaced";
    RECEIPT_OF_PAYLOAD: "  {file}: to jest ten plik", "  {file}: this is the file";
    RECEIPT_NONE: "to nie jest UPO ani strona z UPO; wskaż plik, który zapisał `hub submissions receipt ID --out PLIK`",
        "this is neither a receipt nor the page of one; name a file that `hub submissions receipt ID --out FILE` wrote";
    RECEIPT_REWRITTEN: "zapis zmieniono po podpisaniu (inny układ, powtórzone pola albo zmieniona treść); użyj pliku takiego, jaki dał hub",
        "it was written anew since it was signed (other layout, repeated fields or other content); use the file as the hub gave it";
    RECEIPT_UNSIGNED: "nie ma podpisu", "it has no signature";
    RECEIPT_PAGE: "strona pokazuje co innego niż podpisane UPO w jej wnętrzu",
        "the page shows something else than the signed receipt inside it";
    RECEIPT_KEY: "klucza {key} nie ma wśród znanych kluczy; pobierz klucze huba (hub receipt keys) i porównaj jeszcze raz",
        "key {key} is not among the known keys; have the hub's keys (hub receipt keys) and verify again";
    RECEIPT_SIGNATURE: "podpis nie pasuje do treści: zmieniono treść albo podpis",
        "the signature does not belong to the content: the content or the signature was changed";
    RECEIPT_REVOKED: "klucz {key} unieważniono, bo mógł wpaść w obce ręce; pobierz UPO jeszcze raz (hub submissions receipt)",
        "key {key} was revoked, for others may have it; have the receipt again (hub submissions receipt)";
    RECEIPT_TIME: "klucz {key} nie obowiązywał w chwili podpisu ({time})",
        "key {key} was not in force at the time of the signature ({time})";
    RECEIPT_SIZE: "UPO dotyczy pliku o {told} bajtach, a ten ma {found}",
        "the receipt is for a file of {told} bytes, this one has {found}";
    RECEIPT_SHA256: "UPO dotyczy pliku o SHA-256 {told}, a ten ma {found}",
        "the receipt is for a file with SHA-256 {told}, this one has {found}";
    RECEIPT_ONE_PAYLOAD: "--payload porównuje jedno UPO; podaj jeden plik z UPO",
        "--payload compares one receipt; name one file with a receipt";
    KEYS_OF_FILE: "klucze z pliku {file}", "keys of the file {file}";
    KEYS_KEPT: "klucze zapamiętane przy połączeniu z hubem, profil {profile} ({file})",
        "keys that were kept when the hub was met, profile {profile} ({file})";
    KEYS_NONE: "profil {profile} nie zna jeszcze kluczy żadnego huba; podaj --keys PLIK albo pobierz klucze: hub receipt keys",
        "profile {profile} knows the keys of no hub yet; name --keys FILE, or have the keys: hub receipt keys";
    KEYS_UNUSABLE: "{file}: to nie są klucze huba ({cause})", "{file}: these are no keys of a hub ({cause})";
    KEYS_MET: "zapamiętano klucze huba przy pierwszym połączeniu (profil {profile}): {keys}",
        "kept the hub's keys at the first meeting (profile {profile}): {keys}";
    KEYS_NEW: "hub ma nowe klucze, zapamiętano je (profil {profile}): {keys}. Jeśli operator huba o tym nie uprzedzał, zapytaj go.",
        "the hub has new keys, they are kept (profile {profile}): {keys}. If its operator did not tell, ask.";
    KEYS_MISSING: "hub nie pokazuje już kluczy, które pokazywał (profil {profile}): {keys}. Zapytaj operatora huba: stare klucze powinny zostać.",
        "the hub does not show keys any more that it showed (profile {profile}): {keys}. Ask its operator: old keys should stay.";
    PAYLOAD_BACK: "{file}: bajtów {bytes}, SHA-256 {sha256}", "{file}: {bytes} bytes, SHA-256 {sha256}";
    CARRIED: "  bez zmian pozostają części, których plik nie zawiera: {slices}",
        "  parts that the file lacks stay as they were: {slices}";
    DROPPED: "  usunięto części, których plik nie zawiera: {slices}",
        "  parts that the file lacks were dropped: {slices}";
    RESUMED: "{file}: wznawiam wysyłanie rozpoczęte wcześniej", "{file}: going on with a push that was begun earlier";
    FILE_CHECKED: "{file}:", "{file}:";
    STRICT: "  uwagi zatrzymują wysłanie (--strict)", "  warnings block (--strict)";
    REST_OF_REPORT: "zobacz wszystkie: hub submissions report {submission}",
        "see all of them: hub submissions report {submission}";
    REST_OF_CHECK: "zobacz wszystkie: hub check, z tym samym plikiem", "see all of them: hub check, with the same file";
    STANDS_ON: "zbiór {dataset}, wersja {version}{coverage}", "dataset {dataset}, version {version}{coverage}";
    PERMALINK: "te same wiersze ponownie: {link}", "the same rows again: {link}";
    OF_REGISTER: "rejestru jednostek", "register";
    COVERAGE: ", jednostki: {reporting} z {expected} oczekiwanych (wg {source})",
        ", units: {reporting} of {expected} expected (by {source})";
    WARNED: "uwaga {code}: {message}\n  {hint}", "warning {code}: {message}\n  {hint}";
    COPY_FORMAT: "{file}: kopia zbioru jest plikiem .parquet; napisz --out PLIK.parquet",
        "{file}: a copy of a dataset is a .parquet file; write --out FILE.parquet";
    COPY_KEPT: "{file}: wersja zbioru {version}, wierszy: {rows} (przybyło {inserted}, ubyło {deleted})",
        "{file}: dataset version {version}, rows: {rows} ({inserted} came, {deleted} went)";
    COPY_ANEW: "pobrano od nowa: {why}", "pulled anew: {why}";
    CHANGES_PULLED: "{file}: zmiany od wersji {since} do {last}, wierszy: {rows}",
        "{file}: changes from version {since} to {last}, rows: {rows}";
    CHANGES_NEXT: "dalej: --since {cursor}", "goes on with: --since {cursor}";
    CHANGES_MORE: "to nie wszystko; dalej: --since {cursor}", "there is more; goes on with: --since {cursor}";
    WATCH_NEXT: "dalej: --since {cursor}", "goes on with: --since {cursor}";
    PULLED: "{file}: wierszy: {rows}, bajtów: {bytes}", "{file}: {rows} rows, {bytes} bytes";
    WITHDREW: "{submission}: wycofano przesyłkę {withdrawn}; wycofanie nie przysyła pliku, więc nie ma raportu ze sprawdzenia",
        "{submission}: withdrew submission {withdrawn}; a withdrawal sends no file, so there is no report on one";
    WITHDRAWN: "{submission}: wycofano; wersja {revision}, wersja zbioru {version}",
        "{submission}: withdrawn; revision {revision}, dataset version {version}";
    CHANGES: "zmienionych wierszy: {updated}, dodanych: {inserted}, usuniętych: {deleted}, bez zmian: {same}",
        "rows changed: {updated}, added: {inserted}, removed: {deleted}, unchanged: {same}";
    CHANGES_REST: "… i {rows} dalszych; wszystkie podaje --format csv",
        "… and {rows} more; --format csv writes all of them";
    ABANDONED: "{submission}: porzucono", "{submission}: abandoned";
    EMPTY: "(brak)", "(none)";
    SENDING: "wysyłam", "sending";
    PULLING: "pobieram", "pulling";
    CHECKING: "sprawdzam", "checking";
    NOT_REACHED: "brak połączenia z hubem {endpoint} przez {seconds} s ({cause}). Sprawdź adres, sieć i czy hub działa, a potem powtórz polecenie: zacznie tam, gdzie przerwało.",
        "hub not reached at {endpoint} for {seconds} s ({cause}). Check the address, the network and that the hub runs, then repeat the command: it goes on where it stopped.";
    HTTP2_BLOCKED: "po drodze do huba {endpoint} coś blokuje HTTP/2. Podaj w profilu adres HTTPS huba jako http_endpoint: tamtędy idą pliki i odpowiedzi, gdy HTTP/2 nie przechodzi.",
        "HTTP/2 is blocked on the way to the hub {endpoint}. Name the hub's HTTPS address as http_endpoint in the profile: files and rows go by it where HTTP/2 does not come through.";
    OVER_HTTPS: "HTTP/2 jest po drodze zablokowane, łączę się przez {https}", "HTTP/2 is blocked on the way, going by {https}";
    DOCTOR_WELL: "Wszystko w porządku: hub {endpoint} odpowiada i zna klucz profilu {profile}.",
        "All is well: the hub {endpoint} answers and knows the key of profile {profile}.";
    DOCTOR_NAME: "Nazwa {host} nie prowadzi do żadnego komputera: sprawdź adres w profilu {profile} i serwer nazw (DNS).",
        "The name {host} leads to no computer: check the address in profile {profile} and the name server (DNS).";
    DOCTOR_NOT_REACHED: "Pod adresem {endpoint} nikt nie odpowiada ({cause}): sprawdź adres, zaporę sieciową i czy hub działa.",
        "Nobody answers at {endpoint} ({cause}): check the address, the firewall and that the hub runs.";
    DOCTOR_PROXY: "Pod adresem {endpoint} odpowiada nie hub, lecz coś po drodze, na przykład serwer pośredniczący ({said}): poproś administratora sieci, żeby przepuszczał połączenia z hubem.",
        "At {endpoint} not the hub answers but something on the way, as a proxy ({said}): ask the network's administrator to let connections to the hub through.";
    DOCTOR_HTTP2: "Po drodze do {endpoint} coś blokuje HTTP/2: wysyłanie i pobieranie działa mimo to, przez {https}, ale poproś administratora sieci, żeby przepuszczał HTTP/2.",
        "HTTP/2 is blocked on the way to {endpoint}: pushes, pulls and queries work all the same, by {https}, but ask the network's administrator to let HTTP/2 through.";
    DOCTOR_HTTP2_SHUT: "Po drodze do {endpoint} coś blokuje HTTP/2, a pod adresem {https} hub nie odpowiada: poproś administratora sieci, żeby przepuszczał HTTP/2, albo wpisz w profilu właściwy http_endpoint.",
        "HTTP/2 is blocked on the way to {endpoint}, and at {https} no hub answers: ask the network's administrator to let HTTP/2 through, or write the right http_endpoint into the profile.";
    DOCTOR_CERTIFICATE_TIME: "Certyfikat huba {endpoint} wygasł albo jeszcze nie obowiązuje: jeśli zegar tego komputera chodzi dobrze, zgłoś to operatorowi huba.",
        "The certificate of the hub {endpoint} has expired or is not valid yet: if this computer's clock is right, tell the hub's operator.";
    DOCTOR_CERTIFICATE: "Certyfikatu pod adresem {endpoint} nie da się zaufać ({cause}): sprawdź adres i `ca` w profilu {profile}, a jeśli są dobre, ktoś po drodze podszywa się pod huba.",
        "The certificate at {endpoint} cannot be trusted ({cause}): check the address and `ca` in profile {profile}; if they are right, somebody on the way stands in for the hub.";
    DOCTOR_CLOCK_AHEAD: "Zegar tego komputera śpieszy się o {minutes} min względem huba: ustaw go, najlepiej automatycznie (NTP).",
        "This computer's clock is {minutes} min ahead of the hub's: set it, best automatically (NTP).";
    DOCTOR_CLOCK_BEHIND: "Zegar tego komputera spóźnia się o {minutes} min względem huba: ustaw go, najlepiej automatycznie (NTP).",
        "This computer's clock is {minutes} min behind the hub's: set it, best automatically (NTP).";
    DOCTOR_NO_KEY: "W profilu {profile} nie ma klucza (token): poproś o niego operatora huba.",
        "Profile {profile} has no key (token): ask the hub's operator for one.";
    DOCTOR_KEY: "Hub {endpoint} nie przyjmuje klucza z profilu {profile} ({message}): poproś operatora huba o nowy.",
        "The hub {endpoint} does not take the key of profile {profile} ({message}): ask the hub's operator for a new one.";
    INCOMPLETE: "odpowiedź huba {endpoint} nie jest kompletna; powtórz polecenie. Szczegóły: {message}",
        "the answer of the hub {endpoint} is not whole; repeat the command. Details: {message}";
    ANSWER: "odpowiedzi huba nie da się odczytać; sprawdź, czy program i hub mają zgodne wersje. Szczegóły: {cause}",
        "the hub's answer cannot be read; check that program and hub have matching versions. Details: {cause}";
    REFUSED: "hub odmówił ({reason}): {sentence}. Szczegóły: {message}",
        "the hub refused ({reason}): {sentence}. Details: {message}";
    REFUSED_ON_THE_WAY: "odmowa po drodze do huba ({code}); sprawdź adres i serwer pośredniczący. Szczegóły: {message}",
        "refused on the way to the hub ({code}); check the address and the proxy. Details: {message}";
    CLOSED: "przesyłka {submission} jest zamknięta ({state}); powtórz polecenie, aby otworzyć nową",
        "submission {submission} is closed ({state}); repeat the command to open a new one";
    ADVICE_CREDENTIAL: "Sprawdź klucz (token) w profilu.", "Check the key (token) in the profile.";
    ADVICE_PUBLISHER: "Wyślij z profilu tej jednostki, z jej kluczem (--profile): klucz wysyła tylko za własną jednostkę. Nie masz go? Wydaje go operator huba.",
        "Push from that publisher's own profile, with its key (--profile): a key pushes for its own organisation alone. The hub's operator issues them.";
    ADVICE_READ: "Poproś operatora huba o dostęp.", "Ask the hub's operator for access.";
    ADVICE_SCOPE: "Poproś operatora huba o inny klucz.", "Ask the hub's operator for another key.";
    ADVICE_OPERATOR: "Zgłoś to operatorowi huba; podaj czas i treść komunikatu.",
        "Tell the hub's operator the time and this message.";
    ADVICE_REVISION: "Ktoś przysłał w międzyczasie korektę; obejrzyj ją (hub submissions list) i wyślij jeszcze raz.",
        "A correction came in the meantime; look at it (hub submissions list) and push again.";
    ADVICE_DELETION: "Jeśli tak ma być, powtórz polecenie z --confirm-deletions.",
        "If that is meant, repeat the command with --confirm-deletions.";
    ADVICE_EXPLAIN: "Popraw dane albo powtórz polecenie z --explain REGUŁA=TEKST; wyjaśnienia wierszy można wpisać w kolumnie _wyjasnienie.",
        "Correct the data, or repeat the command with --explain RULE=TEXT; rows can be explained in a column _wyjasnienie.";
    ADVICE_PERIOD: "Okres w pliku i w poleceniu (--period) muszą być te same.",
        "The period in the file and in the command (--period) must be the same.";
    ADVICE_OVERLAPS: "Popraw sprawozdanie za tamten okres albo najpierw je wycofaj (hub submissions withdraw).",
        "Correct the report for the other period, or withdraw it first (hub submissions withdraw).";
    ADVICE_PUBLISHER_MISMATCH: "Plik należy do innej jednostki niż ta, za którą wysyłasz.",
        "The file belongs to another publisher than the one you push for.";
    ADVICE_LATER: "Spróbuj ponownie za chwilę.", "Try again in a moment.";
    PATTERN_OWNER: "Właściciel wzoru", "Owner";
    PATTERN_BASIS: "Podstawa prawna", "Legal basis";
    PATTERN_PERIODS: "Okresy, jak", "Periods, as";
    PATTERN_CUMULATIVE: " (narastająco od początku roku)", " (cumulative from the beginning of the year)";
    PATTERN_KEY: "Klucz (wiersz opisuje)", "Key (what a row is about)";
    PATTERN_SLICE: "Część, którą poprawia się osobno", "Slice, corrected on its own";
    PATTERN_WHOLE: "całe sprawozdanie", "the whole report";
    PATTERN_RULES: "Reguły:", "Rules:";
    PATTERN_MORE: "Strona z opisem: hub patterns page {pattern} --out {pattern}.html; formularz: hub patterns template {pattern} --out {pattern}.xlsx",
        "A page that explains it: hub patterns page {pattern} --out {pattern}.html; a form: hub patterns template {pattern} --out {pattern}.xlsx";
    COLUMN_NAME: "kolumna", "column";
    COLUMN_TYPE: "typ", "type";
    COLUMN_UNIT: "jednostka", "unit";
    COLUMN_REQUIRED: "wymagana", "required";
    COLUMN_LIST: "lista kodów", "code list";
    COLUMN_TITLE: "tytuł", "title";
    SEVERITY_BLOCK: "błąd", "error";
    SEVERITY_EXPLAIN: "do wyjaśnienia", "to explain";
    SEVERITY_WARN: "uwaga", "warning";
    SEVERITY_INFO: "informacja", "note";
    USAGE_VALUE: "błędna wartość „{value}” w {arg}", "wrong value “{value}” of {arg}";
    USAGE_NO_VALUE: "brak wartości w {arg}", "{arg} lacks its value";
    USAGE_ARGUMENT: "nieznana opcja albo zbędny wyraz: {arg}", "unknown option or needless word: {arg}";
    USAGE_COMMAND: "nieznane polecenie: {command}", "unknown command: {command}";
    USAGE_COMMAND_MISSING: "brak polecenia", "the command lacks";
    USAGE_MISSING: "brakuje: {arg}", "lacking: {arg}";
    USAGE_TWICE: "{arg} podano dwa razy; podaj raz", "{arg} is given twice; give it once";
    USAGE_CONFLICT: "{arg} nie można podać razem z: {prior}", "{arg} cannot be given with: {prior}";
    USAGE_NUMBER: "nie tyle wartości, ile trzeba, w {arg}", "not as many values as needed in {arg}";
    USAGE_OTHER: "nie można zrozumieć polecenia", "the command cannot be understood";
    USAGE_PERIOD: "to nie jest okres; napisz 2022, 2022-S1, 2022-Q4, 2022-M11 albo 2022-11-05",
        "this is no period; give 2022, 2022-S1, 2022-Q4, 2022-M11 or 2022-11-05";
    USAGE_AS_OF: "to nie jest wersja zbioru ani chwila; napisz 7, 2026-01-31 albo 2026-01-31T12:00:00Z",
        "this is neither a dataset version nor a moment; give 7, 2026-01-31 or 2026-01-31T12:00:00Z";
    USAGE_INTEGER: "to nie jest liczba całkowita", "this is no whole number";
    USAGE_EXPLAIN: "napisz REGUŁA=TEKST, z regułą, którą wymienia raport", "write RULE=TEXT, with a rule that the report names";
    USAGE_WITH: "napisz WZÓR=PLIK, np. rb27s=dochody.csv", "write PATTERN=FILE, as rb27s=dochody.csv";
    USAGE_KNOWN: "  dozwolone: {known}", "  allowed: {known}";
    USAGE_ALIKE: "  może chodzi o: {alike}", "  perhaps: {alike}";
    USAGE_FORM: "Użycie: {usage}", "Usage: {usage}";
    USAGE_HELP: "Więcej: hub help albo hub POLECENIE --help", "More: hub help, or hub COMMAND --help";
    UNKNOWN_MEDIA: "{file}: nieznane rozszerzenie; wyślij plik .csv, .xlsx, .xls, .ods, .xml, .json, .ndjson, .parquet albo .arrow",
        "{file}: unknown extension; send a .csv, .xlsx, .xls, .ods, .xml, .json, .ndjson, .parquet or .arrow file";
    UNKNOWN_FORMAT: "{file}: nieznane rozszerzenie; napisz .parquet, .csv, .arrow albo .ndjson",
        "{file}: unknown extension; write .parquet, .csv, .arrow or .ndjson";
    MADE: "zapisano {file} (wzór {pattern})", "{file} written (pattern {pattern})";
    MADE_KIND: "{file}: nazwij plik z rozszerzeniem {known}", "{file}: give the file a name with {known}";
    UNKNOWN_PATTERN_HERE: "nieznany wzór {pattern}; znane: {known}. Jeśli zna go hub, dodaj --from-hub.",
        "unknown pattern {pattern}; known: {known}. If the hub knows it, add --from-hub.";
    UNMADE: "{file}: nie można utworzyć: {cause}", "{file}: cannot be made: {cause}";
    UNKNOWN_PATTERN: "nieznany wzór {pattern}; znane: {known}", "unknown pattern {pattern}; known: {known}";
    RECOGNISED: "{file}: rozpoznano wzór {pattern}{period}", "{file}: recognised as pattern {pattern}{period}";
    PERIOD_NOT_TAKEN: "wzór {pattern} nie przyjmuje okresu {period}; napisz go w jednej z postaci: {forms}",
        "pattern {pattern} takes no period like {period}; write one as: {forms}";
    NOT_OF_ITS_KIND: "{file}: to nie jest plik podanego rodzaju: jego treść to {format}. Zapisz dane jako CSV UTF-8 albo XLSX.",
        "{file}: this is no file of its declared kind: its content is {format}. Save the data as CSV UTF-8 or XLSX.";
    UNRECOGNISED: "{file}: nie wiadomo, jaki to wzór; podaj --pattern (lista: hub patterns list)",
        "{file}: its pattern cannot be told; give --pattern (list: hub patterns list)";
    FITS_SEVERAL: "{file}: pasuje do kilku wzorów ({patterns}); podaj --pattern",
        "{file}: fits several patterns ({patterns}); give --pattern";
    EXPLAIN_UNKNOWN: "--explain {rule}: wzór nie ma takiej reguły; wyjaśnień mogą wymagać: {known}",
        "--explain {rule}: the pattern has no such rule; those that may have to be explained are: {known}";
    PERIOD_UNTOLD: "{file}: plik nie mówi, jakiego jest okresu; podaj --period w postaci, którą przyjmuje wzór {pattern}: {forms}",
        "{file}: the file does not say its period; give --period in a form that the pattern {pattern} takes: {forms}";
    UNKNOWN_MAPPING: "wzór {pattern} nie ma postaci {mapping}; znane: {known}",
        "pattern {pattern} cannot be written as {mapping}; known: {known}";
    SETTING_INVALID: "--set {text}: napisz NAZWA=WARTOŚĆ, wartość bez polskich liter i cudzysłowów, najwyżej {bytes} znaki",
        "--set {text}: write NAME=VALUE, the value in ASCII without quotes, at most {bytes} characters";
    SETTING_UNKNOWN: "--set {name}: żadna postać wzoru {pattern} o to nie pyta",
        "--set {name}: no table of the pattern {pattern} asks for it";
    NO_COMMON_DOCUMENT: "postać {mapping} wzorów {pattern} i {other} nie jest jednym dokumentem",
        "{mapping} of the patterns {pattern} and {other} is not one document";
    NOT_WRITABLE_AS: "nie można zapisać jako {mapping}: {cause}", "cannot be written as {mapping}: {cause}";
    ERROR_FILE: "  plik błędów: {file}. Popraw w nim wiersze z uwagami i wyślij go tak, jak jest; kolumna _uwagi nie przeszkadza.",
        "  error file: {file}. Correct the rows with findings in it and send it as it is; the column _uwagi does no harm.";
    ERROR_FILE_NEEDLESS: "  nie ma czego poprawiać, plik błędów {file} nie powstał",
        "  there is nothing to correct, no error file {file} was made";
    ERROR_FILE_NO_ROWS: "  plik błędów nie powstał, bo błąd dotyczy całego pliku, a nie jego wierszy: popraw plik według raportu",
        "  no error file was made, for the fault is of the file as a whole and not of its rows: correct the file as the report says";
    ERROR_FILE_IN_THE_SOURCE: "  plik błędów nie powstał, bo tego błędu nie da się poprawić w komórkach: popraw dane w programie, z którego pochodzi plik (np. REGON jednostki w BeSTi@), i wyślij nowy plik",
        "  no error file was made, for cells do not hold what is wrong: correct the data in the program that the file comes from (as a unit's REGON in BeSTi@) and send the new file";
    ERROR_FILE_TOO_LONG: "  plik błędów nie powstał: arkusz ma najwyżej {most} wierszy; podaj nazwę z .csv",
        "  no error file was made: a sheet has at most {most} rows; give a name with .csv";
    ERROR_FILE_KIND: "{file}: plik błędów ma rozszerzenie .xlsx albo .csv", "{file}: an error file is .xlsx or .csv";
    ERROR_FILE_OF_ONE: "--error-file opisuje jeden plik; podaj jeden", "--error-file is about one file; name one";
    REPORT_PAGE: "  raport: {file}", "  report: {file}";
    REPORT_PAGE_KIND: "{file}: strona raportu ma rozszerzenie .html", "{file}: the page of a report is .html";
    REPORT_PAGE_OF_ONE: "--report opisuje jeden plik; podaj jeden", "--report is about one file; name one";
    NO_ROWS: "nie ma wierszy do zapisania jako {mapping}; sprawdź --publisher i --period",
        "there are no rows to write as {mapping}; look at --publisher and --period";
    TOO_MANY_ROWS: "wiersze zajmują ponad {most} MiB; zawęź pobieranie (--publisher, --period, --where)",
        "the rows take more than {most} MiB; pull fewer (--publisher, --period, --where)";
    UNUSABLE_PATTERN: "wzoru nie da się użyć: {cause}", "a pattern cannot be used: {cause}";
    UNREADABLE: "{file}: nie można odczytać: {cause}", "{file}: cannot be read: {cause}";
    UNWRITABLE: "{file}: nie można zapisać: {cause}", "{file}: cannot be written: {cause}";
    OUTPUT: "nie można wypisać odpowiedzi: {cause}", "the answer cannot be written: {cause}";
    NO_SUCH_FILE: "nie ma takiego pliku ani folderu", "there is no such file or folder";
    FILE_NOT_PERMITTED: "brak uprawnień do pliku albo folderu", "no permission for the file or folder";
    DISK_FULL: "na dysku nie ma miejsca", "the disk is full";
    IS_A_FOLDER: "to jest folder, nie plik", "this is a folder, not a file";
    NOTICES_NEXT: "co się różni, wiersz po wierszu: {command}\npotem: pobierz od nowa, albo hub notices ack ID, albo hub notices pin ID --note POWÓD",
        "what differs, row by row: {command}\nthen: pull anew, or hub notices ack ID, or hub notices pin ID --note WHY";
    SUBSCRIBED: "{url}: od teraz hub wysyła tu powiadomienia, subskrypcja {id}\nsekret do sprawdzania podpisów, pokazywany tylko teraz: {secret}",
        "{url}: the hub sends news here from now on, subscription {id}\nsecret to verify signatures with, shown this once: {secret}";
    UNSUBSCRIBED: "{id}: subskrypcja zakończona", "{id}: the subscription has ended";
    REDELIVERED: "{id}: wysyłane ponownie: {count}", "{id}: sent again: {count}";
    NOTICE_SEEN: "{dataset}: przyjęto do wiadomości korektę, nadawca {publisher}, okres {period}, wersja zbioru {version}",
        "{dataset}: correction seen, publisher {publisher}, period {period}, dataset version {version}";
    NOTICE_PINNED: "{dataset}: zostaje wcześniejsza liczba, nadawca {publisher}, okres {period}; korekta jest w wersji zbioru {version}",
        "{dataset}: the earlier figure stays, publisher {publisher}, period {period}; the correction is in dataset version {version}";
    PROFILE: "profil {name}: {fault}", "profile {name}: {fault}";
    PROFILE_NAME: "nazwa profilu to zwykła nazwa pliku bez rozszerzenia",
        "a profile's name is a plain file name without its extension";
    PROFILE_UNREADABLE: "nie można odczytać {file}: {cause}. Napisz ten plik (endpoint, token, ca) albo ustaw HUB_CONFIG_DIR lub HUB_ENDPOINT.",
        "cannot read {file}: {cause}. Write the file (endpoint, token, ca) or set HUB_CONFIG_DIR or HUB_ENDPOINT.";
    PROFILE_TEXT: "plik nie jest poprawnym profilem (endpoint, token, ca, organisation). Szczegóły: {cause}",
        "the file is not a valid profile (endpoint, token, ca, organisation). Details: {cause}";
    PROFILE_TOKEN: "token zawiera znaki, których nie ma żaden klucz",
        "its token holds characters that no key has";
    ENDPOINT: "adres {endpoint}: {fault}", "endpoint {endpoint}: {fault}";
    ENDPOINT_ADDRESS: "to nie jest adres ({cause}); napisz http://127.0.0.1:50051 albo https://HOST:PORT",
        "not an address ({cause}); write http://127.0.0.1:50051 or https://HOST:PORT";
    ENDPOINT_HOST: "nie ma w nim nazwy komputera", "it names no host";
    ENDPOINT_SCHEME: "nie zaczyna się od https:// ani http://", "it begins with neither https:// nor http://";
    ENDPOINT_UNENCRYPTED: "zwykłe http jest dozwolone tylko na tym komputerze, bo klucz szedłby nieszyfrowany; użyj https",
        "plain http is allowed to this machine only, for the token would travel unencrypted; use https";
    ENDPOINT_AUTHORITIES: "ten system nie ma urzędów certyfikacji; wskaż urząd jako `ca` w profilu",
        "this system has no certificate authorities; name one as `ca` in the profile";
    ENDPOINT_TLS: "nie można przygotować szyfrowania (TLS): {cause}", "TLS cannot be set up: {cause}";
}

#[cfg(test)]
mod tests;
