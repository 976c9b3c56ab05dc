//! What each reason of a refusal means to a clerk, and what to do about it. The hub's own words, in
//! English, stand behind it.

use hub_proto::Reason;

use crate::text::{self, Text};

macro_rules! sentences {
    ($($reason:ident: $pl:literal, $en:literal;)+) => {
        /// What happened, without a full stop.
        pub(crate) fn sentence(reason: Reason) -> Text {
            match reason { $(Reason::$reason => Text::new($pl, $en),)+ }
        }
    };
}

sentences! {
    RequestInvalid: "pole żądania jest puste albo błędne", "a field of the request is missing or wrong";
    PageTokenInvalid: "znacznik strony pochodzi z innego zapytania", "the page token is of another request";
    CredentialMissing: "z poleceniem nie przyszedł klucz", "no key came with the call";
    CredentialInvalid: "klucz jest nieznany, wygasł albo został cofnięty",
        "the key is unknown, expired or revoked";
    ScopeMissing: "zakres klucza nie obejmuje tej czynności", "the key's scope does not cover this";
    PublisherNotPermitted: "ten klucz nie pozwala wysyłać za tego nadawcę",
        "this key may not push for that publisher";
    ReadNotPermitted: "ten klucz nie pozwala czytać tych danych", "this key may not read this";
    PatternUnknown: "nie ma takiego wzoru", "there is no such pattern";
    PublisherUnknown: "nie ma takiego nadawcy", "there is no such publisher";
    DatasetUnknown: "nie ma takiego zbioru danych", "there is no such dataset";
    SubmissionUnknown: "nie ma takiej przesyłki", "there is no such submission";
    OrganisationUnknown: "nie ma takiej jednostki", "there is no such organisation";
    NoticeUnknown: "nie ma takiego zawiadomienia", "there is no such notice";
    SubscriptionUnknown: "nie ma takiej subskrypcji", "there is no such subscription";
    WebhookRefused: "hub nie wysyła powiadomień pod ten adres", "the hub sends no news to this address";
    SubscriptionsFull: "jednostka ma już tyle subskrypcji, ile może mieć",
        "the organisation has as many subscriptions as it may have";
    RouteUnknown: "hub nie ma takiego adresu", "the hub has no such address";
    MethodNotAllowed: "ten adres huba przyjmuje inne metody HTTP", "this address of the hub takes other methods of HTTP";
    MethodUnknown: "ten hub nie zna tego polecenia, ma inną wersję niż program",
        "this hub does not know the call, its version is another than the program's";
    MessageTooLarge: "jedna wiadomość jest większa, niż hub przyjmuje",
        "one message is larger than the hub takes";
    BodyIncomplete: "dane urwały się w drodze do huba", "the data broke off on the way to the hub";
    RangeInvalid: "żądany zakres leży za końcem pliku", "the range lies behind the end of the file";
    DeadlineExceeded: "minął czas na odpowiedź", "the time for the answer has passed";
    CallCancelled: "wywołanie zostało przerwane", "the call was given up";
    VersionUnknown: "nie ma takiej wersji zbioru", "there is no such dataset version";
    HistoryExpired: "ten stan jest starszy niż historia, którą hub obiecuje",
        "that state is older than the history that the hub promises";
    Erased: "w tym stanie była przesyłka, którą usunięto na zawsze",
        "that state held a submission that was erased";
    PayloadNotKept: "tej przesyłki nie przyjęto, więc hub nie przechowuje jej pliku",
        "that submission was not accepted, so the hub keeps no file of it";
    SessionExpired: "hub przebudował w tym czasie pliki dawnego stanu; pobierz jeszcze raz od początku",
        "the hub has put the files of the old state together anew; pull again from the start";
    CursorUnknown: "hub nie ma takiego miejsca w historii zbioru; pobierz zbiór od nowa",
        "the hub has no such place in the dataset's history; pull anew";
    PeriodInvalid: "błędny zapis okresu albo okres, którego wzór nie przyjmuje",
        "the period does not parse, or the pattern does not take it";
    MediaTypeUnsupported: "hub nie przyjmuje plików tego rodzaju", "the hub takes no files of this kind";
    RequestIdReused: "ten numer żądania należy do innej treści", "the request id stands for other content";
    OffsetStale: "wysłano dalszy ciąg pliku, a hub nie ma jeszcze początku",
        "bytes were sent past those that the hub has";
    PayloadMismatch: "doszło co innego, niż zapowiedziano (długość albo skrót SHA-256)",
        "what came is not what was announced (length or SHA-256)";
    PayloadTooLarge: "plik jest za duży", "the file is too large";
    PayloadEmpty: "plik nie zawiera wierszy", "the file holds no rows";
    PayloadUnreadable: "pliku nie da się odczytać w jego formacie", "the file cannot be read in its format";
    ReportBlocks: "w raporcie są błędy", "the report holds errors";
    PeriodMismatch: "okres w pliku jest inny niż okres wysyłki",
        "the period in the file is not that of the submission";
    PeriodOverlaps: "te dni są już w sprawozdaniu za inny okres", "these days stand in the report for another period";
    PublisherMismatch: "jednostka w pliku jest inna niż nadawca", "the unit in the file is not the publisher";
    StateConflict: "stan przesyłki na to nie pozwala", "the submission's state does not allow this";
    RevisionMoved: "obowiązuje już inna wersja niż podana", "another revision is current than the one named";
    DeletionUnconfirmed: "wysłanie usunęłoby wiersze, a nikt tego nie potwierdził",
        "the push would drop rows and nobody confirmed it";
    ExplanationMissing: "raport prosi o wyjaśnienie", "the report asks for an explanation";
    QueryNotAllowed: "takie zapytanie jest niedozwolone", "such a statement is not allowed";
    QueryInvalid: "w zapytaniu jest błąd", "the statement holds a mistake";
    QueryTooComplex: "zapytanie jest za długie albo zbyt złożone", "the statement is too long or too complex";
    QueryLimit: "zapytanie przekroczyło limit pamięci, dysku, wierszy albo czasu",
        "the statement went over its limit of memory, disk, rows or time";
    StorageFull: "na dysku huba nie ma miejsca", "the hub's disk is full";
    StorageCorrupt: "plik huba jest uszkodzony", "a file of the hub is damaged";
    Busy: "hub jest teraz zajęty", "the hub is busy";
    Unavailable: "hub się uruchamia albo zatrzymuje", "the hub is starting or stopping";
    Internal: "błąd po stronie huba", "a fault of the hub";
}

/// What to do about a refusal.
pub(crate) fn advice(reason: Reason) -> Option<Text> {
    match reason {
        Reason::CredentialMissing | Reason::CredentialInvalid => Some(text::ADVICE_CREDENTIAL),
        Reason::PublisherNotPermitted => Some(text::ADVICE_PUBLISHER),
        Reason::ReadNotPermitted => Some(text::ADVICE_READ),
        Reason::ScopeMissing => Some(text::ADVICE_SCOPE),
        Reason::RevisionMoved => Some(text::ADVICE_REVISION),
        Reason::DeletionUnconfirmed => Some(text::ADVICE_DELETION),
        Reason::ExplanationMissing => Some(text::ADVICE_EXPLAIN),
        Reason::PeriodMismatch => Some(text::ADVICE_PERIOD),
        Reason::PeriodOverlaps => Some(text::ADVICE_OVERLAPS),
        Reason::PublisherMismatch => Some(text::ADVICE_PUBLISHER_MISMATCH),
        Reason::Busy | Reason::Unavailable => Some(text::ADVICE_LATER),
        Reason::StorageFull | Reason::StorageCorrupt | Reason::Internal => Some(text::ADVICE_OPERATOR),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Language;

    #[test]
    fn each_reason_says_something_of_its_own_in_both_languages() {
        for language in [Language::Polish, Language::English] {
            let mut said: Vec<&str> = Reason::ALL.iter().map(|r| sentence(*r).get(language)).collect();
            assert!(said.iter().all(|text| text.len() > 10 && !text.ends_with('.')), "{said:?}");
            said.sort_unstable();
            said.dedup();
            assert_eq!(said.len(), Reason::ALL.len());
        }
    }
}
