//! What the command says of a failure, in the language of who reads it. What another program said (the
//! hub, the system, a parser) stands behind our own words, as it came.

use std::io;

use hub_client::{ClientError, Deed, EndpointFault, Finding, Profile, ProfileFault, Refusal, short};

use hub_proto::MESSAGE_PL;

use crate::reasons::{advice, sentence};
use crate::text::{self, Language};

pub(crate) fn failure(error: &ClientError, language: Language) -> String {
    match error {
        ClientError::Profile { name, fault } => {
            text::PROFILE.with(language, &[("name", name), ("fault", &profile(fault, language))])
        }
        ClientError::Endpoint { endpoint: address, fault } => {
            text::ENDPOINT.with(language, &[("endpoint", address), ("fault", &endpoint(fault, language))])
        }
        ClientError::NotReached { endpoint, waited, cause } => text::NOT_REACHED.with(
            language,
            &[("endpoint", endpoint), ("seconds", &format!("{:.0}", waited.as_secs_f64())), ("cause", cause)],
        ),
        ClientError::Http2Blocked { endpoint } => {
            text::HTTP2_BLOCKED.with(language, &[("endpoint", endpoint)])
        }
        ClientError::Refused(refused) => refusal(refused, language),
        ClientError::File { deed, path, source } => {
            let text = match deed {
                Deed::Read => text::UNREADABLE,
                Deed::Write => text::UNWRITABLE,
            };
            text.with(language, &[("file", &path.display().to_string()), ("cause", &cause(source, language))])
        }
        ClientError::Incomplete { endpoint, message } => {
            text::INCOMPLETE.with(language, &[("endpoint", endpoint), ("message", message)])
        }
        ClientError::Closed { submission, state } => {
            text::CLOSED.with(language, &[("submission", short(submission)), ("state", state)])
        }
        ClientError::TooManyRows { most_mib } => {
            text::TOO_MANY_ROWS.with(language, &[("most", &most_mib.to_string())])
        }
        // The library may learn of further failures before this command does.
        other => other.to_string(),
    }
}

/// What is wrong between here and the hub, in one sentence.
pub(crate) fn finding(finding: &Finding, profile: &Profile, language: Language) -> String {
    let (endpoint, https) = (profile.endpoint.as_str(), profile.http_address());
    let with = |text: text::Text, name, value: &str| {
        text.with(
            language,
            &[("endpoint", endpoint), ("https", &https), ("profile", &profile.name), (name, value)],
        )
    };
    match finding {
        Finding::Well => with(text::DOCTOR_WELL, "", ""),
        Finding::Name { host } => with(text::DOCTOR_NAME, "host", host),
        Finding::NotReached { cause } => with(text::DOCTOR_NOT_REACHED, "cause", cause),
        Finding::Proxy { said } => with(text::DOCTOR_PROXY, "said", said),
        Finding::Http2 { is_https_open: true } => with(text::DOCTOR_HTTP2, "", ""),
        Finding::Http2 { is_https_open: false } => with(text::DOCTOR_HTTP2_SHUT, "", ""),
        Finding::CertificateTime => with(text::DOCTOR_CERTIFICATE_TIME, "", ""),
        Finding::Certificate { cause } => with(text::DOCTOR_CERTIFICATE, "cause", cause),
        Finding::Clock { seconds } => {
            let minutes = (seconds.unsigned_abs() / 60).to_string();
            let text = if *seconds > 0 { text::DOCTOR_CLOCK_AHEAD } else { text::DOCTOR_CLOCK_BEHIND };
            with(text, "minutes", &minutes)
        }
        Finding::Key(None) => with(text::DOCTOR_NO_KEY, "", ""),
        Finding::Key(Some(refusal)) => with(text::DOCTOR_KEY, "message", &refusal.message),
        other => other.name().to_owned(),
    }
}

fn refusal(refusal: &Refusal, language: Language) -> String {
    let polish = refusal.metadata.get(MESSAGE_PL).filter(|_| language == Language::Polish);
    let detail = polish.unwrap_or(&refusal.message).as_str();
    let mut message = match refusal.reason {
        Some(reason) => {
            let said = sentence(reason).get(language);
            text::REFUSED
                .with(language, &[("reason", reason.as_str()), ("sentence", said), ("message", detail)])
        }
        None => {
            let code = format!("{:?}", refusal.code);
            text::REFUSED_ON_THE_WAY.with(language, &[("code", &code), ("message", detail)])
        }
    };
    for (field, fault) in &refusal.fields {
        message.push_str(&format!("\n  {field}: {fault}"));
    }
    if let Some(advice) = refusal.reason.and_then(advice) {
        message.push_str("\n  ");
        message.push_str(advice.get(language));
    }
    message
}

fn profile(fault: &ProfileFault, language: Language) -> String {
    match fault {
        ProfileFault::Name => text::PROFILE_NAME.get(language).to_owned(),
        ProfileFault::Unreadable { path, source } => text::PROFILE_UNREADABLE
            .with(language, &[("file", &path.display().to_string()), ("cause", &cause(source, language))]),
        ProfileFault::Text(cause) => text::PROFILE_TEXT.with(language, &[("cause", cause)]),
        ProfileFault::Token => text::PROFILE_TOKEN.get(language).to_owned(),
    }
}

fn endpoint(fault: &EndpointFault, language: Language) -> String {
    let text = match fault {
        EndpointFault::Address(cause) => {
            return text::ENDPOINT_ADDRESS.with(language, &[("cause", cause)]);
        }
        EndpointFault::Tls(cause) => return text::ENDPOINT_TLS.with(language, &[("cause", cause)]),
        EndpointFault::Host => text::ENDPOINT_HOST,
        EndpointFault::Scheme => text::ENDPOINT_SCHEME,
        EndpointFault::Unencrypted => text::ENDPOINT_UNENCRYPTED,
        EndpointFault::Authorities => text::ENDPOINT_AUTHORITIES,
    };
    text.get(language).to_owned()
}

/// Why the system refused a file: the usual causes in the reader's language, others in the system's words.
pub(crate) fn cause(error: &io::Error, language: Language) -> String {
    let text = match error.kind() {
        io::ErrorKind::NotFound => text::NO_SUCH_FILE,
        io::ErrorKind::PermissionDenied => text::FILE_NOT_PERMITTED,
        io::ErrorKind::StorageFull => text::DISK_FULL,
        io::ErrorKind::IsADirectory => text::IS_A_FOLDER,
        _ => return error.to_string(),
    };
    text.get(language).to_owned()
}
