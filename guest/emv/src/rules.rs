//! Every way a rule of the kernel can come out, in one table.
//!
//! A row says where the rule stands in the standard, which TVR bits it sets, which data elements
//! it looked at, and what it means in words. [`crate::dialogue::Dialogue::conclude`] is the only
//! place that acts on a row, so no TVR bit is set without a line in the trace.

use crate::bits::Tvr;
use crate::tag::{self, Tag};
use crate::trace::{Finding, Step};

/// One way a rule can come out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Conclusion {
    /// The rule's name.
    pub(crate) rule: &'static str,
    /// Where in the transaction it stands.
    pub(crate) step: Step,
    /// The section of the standard.
    pub(crate) section: &'static str,
    /// What the rule came to.
    pub(crate) finding: Finding,
    /// The TVR bits that follow.
    pub(crate) sets: Tvr,
    /// The elements looked at.
    pub(crate) elements: &'static [Tag],
    /// What happened, in words.
    pub(crate) statement: &'static str,
}

macro_rules! conclusions {
    ($($name:ident = $rule:literal, $step:ident, $section:literal, $finding:ident, $sets:expr,
       [$($element:ident),*], $statement:literal;)*) => {
        $(
            pub(crate) static $name: Conclusion = Conclusion {
                rule: $rule,
                step: Step::$step,
                section: concat!("EMV 4.4 ", $section),
                finding: Finding::$finding,
                sets: $sets,
                elements: &[$(tag::$element),*],
                statement: $statement,
            };
        )*

        /// The whole table.
        pub(crate) static ALL: &[&Conclusion] = &[$(&$name),*];
    };
}

const NONE: Tvr = Tvr::empty();

#[rustfmt::skip]
conclusions! {
    // Application selection.
    CARD_BLOCKED = "SEL-01", ApplicationSelection, "Book 1, 12.3.2", Failed, NONE, [],
        "The card is blocked or does not know SELECT.";
    DIRECTORY_ABSENT = "SEL-01", ApplicationSelection, "Book 1, 12.3.2", NotApplicable, NONE, [],
        "The card has no usable payment system directory; the list of AIDs is used.";
    DIRECTORY_READ = "SEL-02", ApplicationSelection, "Book 1, 12.3.2", Done, NONE, [],
        "The payment system directory of the card was read.";
    DIRECTORY_BROKEN = "SEL-02", ApplicationSelection, "Book 1, 12.3.2", Failed, NONE, [],
        "The payment system directory of the card cannot be read; the list of AIDs is used.";
    DIRECTORY_WITHOUT_MATCH = "SEL-03", ApplicationSelection, "Book 1, 12.3.2", NotApplicable, NONE, [],
        "The directory names no application of this terminal; the list of AIDs is used.";
    AID_LIST_TRIED = "SEL-04", ApplicationSelection, "Book 1, 12.3.3", Done, NONE, [],
        "The card was asked for each application of the terminal.";
    CARD_BLOCKED_FOR_AID = "SEL-05", ApplicationSelection, "Book 1, 12.3.3", Failed, NONE, [],
        "The card answered that it is blocked when asked for an application.";
    NO_APPLICATION = "SEL-11", ApplicationSelection, "Book 1, 12.4", Failed, NONE, [],
        "No application is left that card and terminal both support.";
    NOBODY_TO_ASK = "SEL-07", ApplicationSelection, "Book 1, 12.4", NotApplicable, NONE,
        [],
        "The terminal asks nobody; the best application that needs no confirmation is used.";
    APPLICATION_BLOCKED = "SEL-11", ApplicationSelection, "Book 1, 12.4", Failed, NONE, [],
        "No application is left, and one that card and terminal support is blocked.";
    CARDHOLDER_CHOOSES = "SEL-07", ApplicationSelection, "Book 1, 12.4", Done, NONE, [],
        "The cardholder was asked to choose or confirm an application.";
    APPLICATION_SELECTED = "SEL-11", ApplicationSelection, "Book 1, 12.4", Passed, NONE,
        [DF_NAME, APPLICATION_LABEL, APPLICATION_PRIORITY_INDICATOR],
        "The application was selected.";
    APPLICATION_REFUSED = "SEL-11", ApplicationSelection, "Book 1, 12.4", Failed, NONE, [],
        "The card does not let the chosen application be selected; the others are offered.";
    APPLICATION_NOT_USABLE = "SEL-12", InitiateApplication, "Book 3, 10.1", Failed, NONE, [DF_NAME],
        "The conditions of use of the application are not satisfied; the others are offered.";

    // Initiate application processing, read application data.
    INITIATED = "INI-02", InitiateApplication, "Book 3, 10.1", Done, NONE, [PDOL, AIP, AFL],
        "The card told what it supports and where its data is.";
    RECORDS_READ = "RD-02", ReadApplicationData, "Book 3, 10.2", Done, NONE, [AFL],
        "All records of the application were read.";
    MANDATORY_DATA_PRESENT = "RD-04", ReadApplicationData, "Book 3, 7.2", Passed, NONE,
        [PAN, APPLICATION_EXPIRATION_DATE, CDOL1, CDOL2],
        "The mandatory data is there and well formed.";
    MANDATORY_DATA_MISSING = "RD-04", ReadApplicationData, "Book 3, 7.2", Failed, NONE, [],
        "Mandatory data is missing or malformed; the transaction ends.";

    // Offline data authentication.
    ODA_NOT_PERFORMED = "ODA-01", OfflineDataAuthentication, "Book 3, 10.3", NotApplicable,
        Tvr::ODA_NOT_PERFORMED, [AIP, TERMINAL_CAPABILITIES],
        "Card and terminal share no method of offline data authentication.";
    READ_NOT_AUTHENTICATED = "ODA-01", OfflineDataAuthentication, "Book 3, 10.3", NotApplicable,
        Tvr::ODA_NOT_PERFORMED, [],
        "The card is read, to pay nothing; its data is not authenticated.";
    SDA_CHOSEN = "ODA-01", OfflineDataAuthentication, "Book 3, 10.3", Done, Tvr::SDA_SELECTED,
        [AIP, TERMINAL_CAPABILITIES], "Static data authentication was chosen.";
    DDA_CHOSEN = "ODA-01", OfflineDataAuthentication, "Book 3, 10.3", Done, NONE,
        [AIP, TERMINAL_CAPABILITIES], "Dynamic data authentication was chosen.";
    ODA_DATA_MISSING = "RD-06", OfflineDataAuthentication, "Book 3, 7.5", Failed,
        Tvr::ICC_DATA_MISSING, [CA_PUBLIC_KEY_INDEX_CARD],
        "The card lacks data that offline data authentication needs.";
    SDA_PASSED = "ODA-05", OfflineDataAuthentication, "Book 2, 5.4", Passed, NONE,
        [CA_PUBLIC_KEY_INDEX_CARD, DATA_AUTHENTICATION_CODE],
        "The card's data is as its issuer signed it.";
    SDA_FAILED = "ODA-05", OfflineDataAuthentication, "Book 2, 5.4", Failed, Tvr::SDA_FAILED,
        [CA_PUBLIC_KEY_INDEX_CARD], "The signature over the card's data could not be verified.";
    DDA_PASSED = "ODA-06", OfflineDataAuthentication, "Book 2, 6.5.2", Passed, NONE,
        [CA_PUBLIC_KEY_INDEX_CARD, ICC_DYNAMIC_NUMBER],
        "The card proved that it holds the key its issuer certified.";
    DDA_FAILED = "ODA-06", OfflineDataAuthentication, "Book 2, 6.5.2", Failed, Tvr::DDA_FAILED,
        [CA_PUBLIC_KEY_INDEX_CARD], "The card could not prove that it is genuine.";
    CA_KEY_UNUSABLE = "ODA-02", OfflineDataAuthentication, "Book 2, 5.2", Failed, NONE,
        [CA_PUBLIC_KEY_INDEX_CARD],
        "The terminal holds no valid certification authority key for this card.";
    ISSUER_CERTIFICATE_REFUSED = "ODA-03", OfflineDataAuthentication, "Book 2, 5.3", Failed, NONE,
        [CA_PUBLIC_KEY_INDEX_CARD], "The issuer's certificate is not valid.";
    CDA_CHOSEN = "ODA-01", OfflineDataAuthentication, "Book 3, 10.3", Done, NONE,
        [AIP, TERMINAL_CAPABILITIES], "Combined data authentication was chosen.";
    CDA_KEY_RECOVERED = "ODA-07", OfflineDataAuthentication, "Book 2, 6.6", Done, NONE,
        [CA_PUBLIC_KEY_INDEX_CARD],
        "The card's key was recovered; its cryptograms are to be signed.";
    CDA_KEY_NOT_RECOVERED = "ODA-07", OfflineDataAuthentication, "Book 4, 6.3.2.1", Failed,
        Tvr::CDA_FAILED, [CA_PUBLIC_KEY_INDEX_CARD],
        "The card's key could not be recovered; no signed cryptogram is asked for.";
    CDA_NOT_DUE = "ODA-07", OfflineDataAuthentication, "Book 2, 6.6.1", NotApplicable, NONE,
        [CRYPTOGRAM_INFORMATION_DATA], "The card declined; a decline is not signed.";
    CDA_PASSED = "ODA-07", OfflineDataAuthentication, "Book 2, 6.6.2", Passed, NONE,
        [CRYPTOGRAM_INFORMATION_DATA, ICC_DYNAMIC_NUMBER, APPLICATION_CRYPTOGRAM],
        "The card signed its cryptogram and everything exchanged.";
    CDA_SIGNATURE_MISSING = "ODA-07", OfflineDataAuthentication, "Book 2, 6.6.2", Failed,
        Tvr::CDA_FAILED, [CRYPTOGRAM_INFORMATION_DATA],
        "The card did not sign its cryptogram although it was asked to.";
    CDA_INFORMATION_DIFFERS = "ODA-07", OfflineDataAuthentication, "Book 2, 6.6.2", Failed,
        Tvr::CDA_FAILED, [CRYPTOGRAM_INFORMATION_DATA],
        "The card signed another type of cryptogram than it gave.";
    CDA_TRANSACTION_DATA_DIFFERS = "ODA-07", OfflineDataAuthentication, "Book 2, 6.6.2", Failed,
        Tvr::CDA_FAILED, [CRYPTOGRAM_INFORMATION_DATA],
        "The card signed other data than was exchanged.";
    CDA_FAILED = "ODA-07", OfflineDataAuthentication, "Book 2, 6.6.2", Failed, Tvr::CDA_FAILED,
        [CRYPTOGRAM_INFORMATION_DATA], "The signature over the cryptogram could not be verified.";
    XDA_CHOSEN = "ODA-01", OfflineDataAuthentication, "Book 3, 10.3", Done, Tvr::XDA_SELECTED,
        [AIP, TERMINAL_CAPABILITIES], "Extended data authentication was chosen.";
    XDA_KEY_RECOVERED = "ODA-08", OfflineDataAuthentication, "Book 2, 12.4", Done, NONE,
        [CA_PUBLIC_KEY_INDEX_CARD], "The card's elliptic-curve key was recovered.";
    XDA_CA_KEY_MISSING = "ODA-08", OfflineDataAuthentication, "Book 4, 6.3.2.2.1", Failed,
        Tvr::CA_ECC_KEY_MISSING, [CA_PUBLIC_KEY_INDEX_CARD],
        "The terminal has no valid elliptic-curve key of the certification authority.";
    XDA_KEY_NOT_RECOVERED = "ODA-08", OfflineDataAuthentication, "Book 4, 6.3.2.2.2", Failed,
        Tvr::ECC_KEY_RECOVERY_FAILED, [CA_PUBLIC_KEY_INDEX_CARD],
        "The card's elliptic-curve key could not be recovered.";
    XDA_NOT_DUE = "ODA-08", OfflineDataAuthentication, "Book 2, 12.5.1", NotApplicable, NONE,
        [CRYPTOGRAM_INFORMATION_DATA], "The card declined; there is no signature to check.";
    XDA_PASSED = "ODA-08", OfflineDataAuthentication, "Book 2, 12.5.3", Passed, NONE,
        [CRYPTOGRAM_INFORMATION_DATA, APPLICATION_CRYPTOGRAM],
        "The card signed everything exchanged, with its elliptic-curve key.";
    XDA_SIGNATURE_MISSING = "ODA-08", OfflineDataAuthentication, "Book 2, 12.5.3", Failed,
        Tvr::XDA_FAILED, [CRYPTOGRAM_INFORMATION_DATA],
        "The card gave no elliptic-curve signature although it was asked for one.";
    XDA_NOT_FRESH = "ODA-08", OfflineDataAuthentication, "Book 2, 12.5.2", Failed,
        Tvr::XDA_FAILED, [CRYPTOGRAM_INFORMATION_DATA],
        "The card did not ask for the unpredictable number; its signature may be an old one.";
    XDA_FAILED = "ODA-08", OfflineDataAuthentication, "Book 2, 12.5.3", Failed, Tvr::XDA_FAILED,
        [CRYPTOGRAM_INFORMATION_DATA], "The elliptic-curve signature could not be verified.";
    ICC_CERTIFICATE_REFUSED = "ODA-04", OfflineDataAuthentication, "Book 2, 6.4", Failed, NONE, [],
        "The card's certificate is not valid.";
    STATIC_DATA_UNUSABLE = "RD-05", OfflineDataAuthentication, "Book 3, 10.3", Failed, NONE,
        [SDA_TAG_LIST], "The data to be authenticated is not coded as the standard asks.";

    // Processing restrictions.
    VERSION_ABSENT = "PR-01", ProcessingRestrictions, "Book 3, 10.4.1", NotApplicable, NONE, [],
        "The card gives no application version; none is compared.";
    VERSIONS_AGREE = "PR-01", ProcessingRestrictions, "Book 3, 10.4.1", Passed, NONE,
        [APPLICATION_VERSION_CARD, APPLICATION_VERSION_TERMINAL],
        "Card and terminal have the same application version.";
    VERSIONS_DIFFER = "PR-01", ProcessingRestrictions, "Book 3, 10.4.1", Failed,
        Tvr::VERSIONS_DIFFER, [APPLICATION_VERSION_CARD, APPLICATION_VERSION_TERMINAL],
        "Card and terminal have different application versions.";
    USAGE_ABSENT = "PR-02", ProcessingRestrictions, "Book 3, 10.4.2", NotApplicable, NONE, [],
        "The card gives no application usage control; any use is allowed.";
    USAGE_ALLOWED = "PR-02", ProcessingRestrictions, "Book 3, 10.4.2", Passed, NONE,
        [APPLICATION_USAGE_CONTROL, ISSUER_COUNTRY_CODE, TERMINAL_COUNTRY_CODE, TRANSACTION_TYPE],
        "The card may be used for this service at this terminal.";
    USAGE_NOT_ALLOWED = "PR-02", ProcessingRestrictions, "Book 3, 10.4.2", Failed,
        Tvr::SERVICE_NOT_ALLOWED,
        [APPLICATION_USAGE_CONTROL, ISSUER_COUNTRY_CODE, TERMINAL_COUNTRY_CODE, TRANSACTION_TYPE],
        "The card may not be used for this service at this terminal.";
    EFFECTIVE_DATE_ABSENT = "PR-03", ProcessingRestrictions, "Book 3, 10.4.3", NotApplicable, NONE,
        [], "The card gives no first day of validity.";
    EFFECTIVE = "PR-03", ProcessingRestrictions, "Book 3, 10.4.3", Passed, NONE,
        [APPLICATION_EFFECTIVE_DATE, TRANSACTION_DATE], "The card is valid already.";
    NOT_YET_EFFECTIVE = "PR-03", ProcessingRestrictions, "Book 3, 10.4.3", Failed,
        Tvr::NOT_YET_EFFECTIVE, [APPLICATION_EFFECTIVE_DATE, TRANSACTION_DATE],
        "The card is not valid yet.";
    NOT_EXPIRED = "PR-04", ProcessingRestrictions, "Book 3, 10.4.3", Passed, NONE,
        [APPLICATION_EXPIRATION_DATE, TRANSACTION_DATE], "The card has not expired.";
    EXPIRED = "PR-04", ProcessingRestrictions, "Book 3, 10.4.3", Failed, Tvr::EXPIRED,
        [APPLICATION_EXPIRATION_DATE, TRANSACTION_DATE], "The card has expired.";

    // Cardholder verification.
    CVM_NOT_SUPPORTED = "CV-01", CardholderVerification, "Book 3, 10.5", NotApplicable, NONE,
        [AIP, CVM_RESULTS], "The card does not support cardholder verification.";
    CVM_LIST_ABSENT = "CV-01", CardholderVerification, "Book 3, 10.5", NotApplicable,
        Tvr::ICC_DATA_MISSING, [AIP, CVM_RESULTS],
        "The card supports cardholder verification but gives no list of methods.";
    CVM_LIST_EMPTY = "CV-01", CardholderVerification, "Book 3, 10.5", NotApplicable, NONE,
        [CVM_LIST, CVM_RESULTS], "The card's list of verification methods has no rule.";
    CVM_UNRECOGNISED = "CV-03", CardholderVerification, "Book 3, 10.5", Failed,
        Tvr::UNRECOGNISED_CVM, [CVM_LIST], "The card asks for a method the terminal does not know.";
    CVM_UNSUPPORTED = "CV-04", CardholderVerification, "Book 3, 10.5", Failed, NONE,
        [CVM_LIST, TERMINAL_CAPABILITIES],
        "The card asks for a method the terminal does not support.";
    PIN_UNSUPPORTED = "CV-04", CardholderVerification, "Book 3, 10.5", Failed,
        Tvr::PIN_PAD_ABSENT_OR_BROKEN, [CVM_LIST, TERMINAL_CAPABILITIES],
        "The card asks for a PIN and the terminal cannot take one.";
    PIN_PAD_BROKEN = "CV-04", CardholderVerification, "Book 3, 10.5", Failed,
        Tvr::PIN_PAD_ABSENT_OR_BROKEN, [], "A PIN was needed and the keypad does not work.";
    PIN_VERIFIED = "CV-05", CardholderVerification, "Book 3, 10.5.1", Passed, NONE, [],
        "The card verified the PIN.";
    PIN_WRONG = "CV-05", CardholderVerification, "Book 3, 10.5.1", Failed, NONE, [],
        "The PIN was wrong; it is asked for again.";
    PIN_NOT_VERIFIED = "CV-05", CardholderVerification, "Book 3, 10.5.1", Failed, NONE, [],
        "The card could not verify a PIN.";
    PIN_TRIES_EXCEEDED = "CV-05", CardholderVerification, "Book 3, 10.5.1", Failed,
        Tvr::PIN_TRY_LIMIT_EXCEEDED, [PIN_TRY_COUNTER], "No PIN try is left on the card.";
    PIN_BYPASSED = "CV-06", CardholderVerification, "Book 4, 6.3.4.3", Failed,
        Tvr::PIN_NOT_ENTERED, [], "The cardholder did not enter a PIN.";
    ONLINE_PIN_ENTERED = "CV-07", CardholderVerification, "Book 3, 10.5.2", Done,
        Tvr::ONLINE_PIN_ENTERED, [], "The cardholder entered a PIN for the issuer to check.";
    SIGNATURE_CHOSEN = "CV-07", CardholderVerification, "Book 3, 10.5.3", Done, NONE, [],
        "The cardholder is to sign the receipt.";
    NO_CVM_CHOSEN = "CV-07", CardholderVerification, "Book 3, 10.5", Passed, NONE, [],
        "No cardholder verification is needed.";
    CVM_FAILED_BY_CARD = "CV-08", CardholderVerification, "Book 3, 10.5", Failed, NONE,
        [CVM_LIST], "The card's list says that verification fails here.";
    VERIFICATION_DONE = "CV-09", CardholderVerification, "Book 3, 10.5", Passed, NONE,
        [CVM_RESULTS], "Cardholder verification is complete.";
    VERIFICATION_FAILED = "CV-08", CardholderVerification, "Book 3, 10.5", Failed,
        Tvr::VERIFICATION_NOT_SUCCESSFUL, [CVM_RESULTS], "Cardholder verification failed.";

    // Terminal risk management.
    BELOW_FLOOR_LIMIT = "TRM-01", TerminalRiskManagement, "Book 3, 10.6.1", Passed, NONE,
        [AMOUNT_AUTHORISED, TERMINAL_FLOOR_LIMIT], "The amount is below the floor limit.";
    FLOOR_LIMIT_EXCEEDED = "TRM-01", TerminalRiskManagement, "Book 3, 10.6.1", Failed,
        Tvr::FLOOR_LIMIT_EXCEEDED, [AMOUNT_AUTHORISED, TERMINAL_FLOOR_LIMIT],
        "The amount reaches the floor limit.";
    SPLIT_SALE = "TRM-01", TerminalRiskManagement, "Book 3, 10.6.1", Failed,
        Tvr::FLOOR_LIMIT_EXCEEDED, [AMOUNT_AUTHORISED, TERMINAL_FLOOR_LIMIT],
        "With what the card paid here before, the amount reaches the floor limit.";
    NOT_SELECTED_AT_RANDOM = "TRM-02", TerminalRiskManagement, "Book 3, 10.6.2", Passed, NONE,
        [AMOUNT_AUTHORISED, RANDOM_SELECTION_NUMBER], "Chance did not select the transaction for going online.";
    SELECTED_AT_RANDOM = "TRM-02", TerminalRiskManagement, "Book 3, 10.6.2", Failed,
        Tvr::SELECTED_AT_RANDOM, [AMOUNT_AUTHORISED, RANDOM_SELECTION_NUMBER],
        "Chance selected the transaction for going online.";
    VELOCITY_NOT_CHECKED = "TRM-03", TerminalRiskManagement, "Book 3, 10.6.3", NotApplicable, NONE,
        [], "The card does not limit consecutive offline transactions.";
    VELOCITY_WITHIN_LIMITS = "TRM-03", TerminalRiskManagement, "Book 3, 10.6.3", Passed, NONE,
        [ATC, LAST_ONLINE_ATC, LOWER_CONSECUTIVE_OFFLINE_LIMIT, UPPER_CONSECUTIVE_OFFLINE_LIMIT],
        "The card has not gone too long without the issuer.";
    LOWER_LIMIT_EXCEEDED = "TRM-03", TerminalRiskManagement, "Book 3, 10.6.3", Failed,
        Tvr::LOWER_OFFLINE_LIMIT_EXCEEDED,
        [ATC, LAST_ONLINE_ATC, LOWER_CONSECUTIVE_OFFLINE_LIMIT],
        "The lower limit of consecutive offline transactions is exceeded.";
    UPPER_LIMIT_EXCEEDED = "TRM-03", TerminalRiskManagement, "Book 3, 10.6.3", Failed,
        Tvr::UPPER_OFFLINE_LIMIT_EXCEEDED,
        [ATC, LAST_ONLINE_ATC, UPPER_CONSECUTIVE_OFFLINE_LIMIT],
        "The upper limit of consecutive offline transactions is exceeded.";
    VELOCITY_UNKNOWN = "TRM-03", TerminalRiskManagement, "Book 3, 10.6.3", Failed,
        Tvr::LOWER_OFFLINE_LIMIT_EXCEEDED.union(Tvr::UPPER_OFFLINE_LIMIT_EXCEEDED),
        [ATC, LAST_ONLINE_ATC],
        "The card's counters cannot be compared; both offline limits count as exceeded.";
    NEW_CARD = "TRM-04", TerminalRiskManagement, "Book 3, 10.6.3", Failed, Tvr::NEW_CARD,
        [LAST_ONLINE_ATC], "The card has never been online.";
    ON_EXCEPTION_FILE = "TRM-05", TerminalRiskManagement, "Book 4, 6.3.5", Failed,
        Tvr::CARD_ON_EXCEPTION_FILE, [PAN], "The card is on the terminal's exception file.";
    FORCED_ONLINE = "TRM-05", TerminalRiskManagement, "Book 4, 6.5.3", Failed,
        Tvr::MERCHANT_FORCED_ONLINE, [], "The merchant asked for online authorisation.";

    // Terminal and card action analysis.
    DENIED = "TAA-01", TerminalActionAnalysis, "Book 3, 10.7", Failed, NONE, [TVR, IAC_DENIAL],
        "The action codes deny the transaction; an AAC is requested.";
    ONLINE_NEEDED = "TAA-01", TerminalActionAnalysis, "Book 3, 10.7", Done, NONE, [TVR, IAC_ONLINE],
        "The action codes ask for the issuer; an ARQC is requested.";
    ONLINE_ALWAYS = "TAA-02", TerminalActionAnalysis, "Book 3, 10.7", Done, NONE, [TVR, TERMINAL_TYPE],
        "This terminal always asks the issuer; an ARQC is requested.";
    OFFLINE_ALLOWED = "TAA-01", TerminalActionAnalysis, "Book 3, 10.7", Passed, NONE, [TVR],
        "No action code is met; a TC is requested.";
    DEFAULT_DENIED = "TAA-04", TerminalActionAnalysis, "Book 3, 10.7", Failed, NONE,
        [TVR, IAC_DEFAULT], "Without the issuer the default action codes deny; an AAC is requested.";
    DEFAULT_ALLOWED = "TAA-04", TerminalActionAnalysis, "Book 3, 10.7", Passed, NONE,
        [TVR, IAC_DEFAULT], "Without the issuer the default action codes allow; a TC is requested.";
    DEFAULT_DENIED_ONLINE_ONLY = "TAA-04", TerminalActionAnalysis, "Book 3, 10.7", Failed, NONE,
        [TVR, TERMINAL_TYPE],
        "This terminal approves nothing without the issuer; an AAC is requested.";
    XDA_FAILURE_DENIED = "ODA-08", CardActionAnalysis, "Book 4, 6.3.2.2.4", Failed, NONE,
        [TVR, IAC_DENIAL], "The denial action codes forbid going on with a card not authenticated.";
    XDA_FAILURE_OFFLINE = "ODA-08", CardActionAnalysis, "Book 4, 6.3.2.2.4", Failed, NONE,
        [TVR, TERMINAL_TYPE], "The card is not authenticated and this terminal has no issuer to ask.";
    XDA_FAILURE_ASKS_ISSUER = "ODA-08", CardActionAnalysis, "Book 4, 6.3.2.2.4", Done, NONE,
        [TVR, IAC_DENIAL], "The card is not authenticated; the issuer is asked.";
    XDA_FAILURE_WITHOUT_ISSUER = "ODA-08", TerminalActionAnalysis, "Book 4, 6.3.2.2.4", Failed,
        NONE, [TVR], "Nothing is approved without issuer and without authentication; it is declined.";
    DEFAULT_TDOL_USED = "TAA-05", CardActionAnalysis, "Book 3, 9.2.2", Done,
        Tvr::DEFAULT_TDOL_USED, [], "The card has no TDOL; the terminal's was used.";
    CARD_APPROVED = "CAA-01", CardActionAnalysis, "Book 3, 10.8", Passed, NONE,
        [CRYPTOGRAM_INFORMATION_DATA, ATC, APPLICATION_CRYPTOGRAM],
        "The card approved the transaction offline.";
    CARD_ASKS_ONLINE = "CAA-01", CardActionAnalysis, "Book 3, 10.8", Done, NONE,
        [CRYPTOGRAM_INFORMATION_DATA, ATC, APPLICATION_CRYPTOGRAM],
        "The card asks for online authorisation.";
    CARD_DECLINED = "CAA-01", CardActionAnalysis, "Book 3, 10.8", Failed, NONE,
        [CRYPTOGRAM_INFORMATION_DATA, ATC, APPLICATION_CRYPTOGRAM],
        "The transaction was declined offline.";
    READ_CANCELLED = "CAA-01", CardActionAnalysis, "Book 3, 9.3", Passed, NONE,
        [CRYPTOGRAM_INFORMATION_DATA, ATC, APPLICATION_CRYPTOGRAM],
        "The card was read, and answered with an AAC: it counts nothing as open.";
    CRYPTOGRAM_TOO_HIGH = "CAA-01", CardActionAnalysis, "Book 3, 9.3", Failed, NONE,
        [CRYPTOGRAM_INFORMATION_DATA],
        "The card answered with more than was asked for; the transaction ends.";
    UNAUTHENTICATED_APPROVAL_DECLINED = "ODA-07", CardActionAnalysis, "Book 4, 6.3.2.1", Failed,
        NONE, [CRYPTOGRAM_INFORMATION_DATA, TVR],
        "The card approved without a valid signature; the terminal declines.";
    UNAUTHENTICATED_REQUEST_CANCELLED = "ODA-07", CardActionAnalysis, "Book 4, 6.3.2.1", Failed,
        NONE, [CRYPTOGRAM_INFORMATION_DATA, TVR],
        "The card asked for its issuer without a valid signature; an AAC is requested.";
    SERVICE_NOT_ALLOWED_BY_CARD = "CAA-02", CardActionAnalysis, "Book 3, 10.8", Failed, NONE,
        [CRYPTOGRAM_INFORMATION_DATA], "The card does not allow this service.";

    // Online processing, issuer scripts, completion.
    ISSUER_AUTHENTICATION_ABSENT = "ONL-01", OnlineProcessing, "Book 3, 10.9", NotApplicable, NONE,
        [AIP], "The issuer is not authenticated by a command of its own.";
    ISSUER_AUTHENTICATED = "ONL-01", OnlineProcessing, "Book 3, 10.9", Passed, NONE,
        [AIP, ISSUER_AUTHENTICATION_DATA], "The card recognised its issuer's answer.";
    ISSUER_NOT_AUTHENTICATED = "ONL-01", OnlineProcessing, "Book 3, 10.9", Failed,
        Tvr::ISSUER_AUTHENTICATION_FAILED, [AIP, ISSUER_AUTHENTICATION_DATA],
        "The card did not recognise its issuer's answer.";
    ISSUER_APPROVED = "ONL-02", OnlineProcessing, "Book 4, 6.3.8", Passed, NONE,
        [AUTHORISATION_RESPONSE_CODE], "The issuer approved.";
    ISSUER_DECLINED = "ONL-02", OnlineProcessing, "Book 4, 6.3.8", Failed, NONE,
        [AUTHORISATION_RESPONSE_CODE], "The issuer declined.";
    UNABLE_TO_GO_ONLINE = "ONL-02", OnlineProcessing, "Book 4, 12.2.1", Failed, NONE, [],
        "The issuer could not be asked.";
    SCRIPT_PASSED = "SCR-02", IssuerScripts, "Book 3, 10.10", Passed, NONE, [ISSUER_SCRIPT_RESULTS],
        "The card carried out the issuer's script.";
    SCRIPT_FAILED_BEFORE = "SCR-03", IssuerScripts, "Book 3, 10.10", Failed,
        Tvr::SCRIPT_FAILED_BEFORE_FINAL, [ISSUER_SCRIPT_RESULTS],
        "The card did not carry out a script that was due before the last cryptogram.";
    SCRIPT_FAILED_AFTER = "SCR-03", IssuerScripts, "Book 3, 10.10", Failed,
        Tvr::SCRIPT_FAILED_AFTER_FINAL, [ISSUER_SCRIPT_RESULTS],
        "The card did not carry out a script that was due after the last cryptogram.";
    SCRIPT_MALFORMED_BEFORE = "SCR-04", IssuerScripts, "Book 3, 10.10", Failed,
        Tvr::SCRIPT_FAILED_BEFORE_FINAL, [],
        "A script due before the last cryptogram is malformed or too long and was not run.";
    SCRIPT_MALFORMED_AFTER = "SCR-04", IssuerScripts, "Book 3, 10.10", Failed,
        Tvr::SCRIPT_FAILED_AFTER_FINAL, [],
        "A script due after the last cryptogram is malformed or too long and was not run.";
    COMPLETED_APPROVED = "CMP-01", Completion, "Book 3, 10.11", Passed, NONE,
        [AUTHORISATION_RESPONSE_CODE, CRYPTOGRAM_INFORMATION_DATA, TVR, TSI],
        "The transaction is approved.";
    COMPLETED_DECLINED = "CMP-01", Completion, "Book 3, 10.11", Failed, NONE,
        [AUTHORISATION_RESPONSE_CODE, CRYPTOGRAM_INFORMATION_DATA, TVR, TSI],
        "The transaction is declined.";
    REVERSAL_REQUIRED = "CMP-02", Completion, "Book 4, 6.3.8", Failed, NONE,
        [AUTHORISATION_RESPONSE_CODE, CRYPTOGRAM_INFORMATION_DATA],
        "The issuer approved but the card did not; a reversal is required.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_a_sentence_with_a_rule_and_a_section() {
        for row in ALL {
            let (area, number) = row.rule.split_once('-').expect("area and number");
            assert!(
                area.chars().all(|letter| letter.is_ascii_uppercase()),
                "{}",
                row.rule
            );
            assert!(
                number.len() == 2 && number.parse::<u8>().is_ok(),
                "{}",
                row.rule
            );
            assert!(
                row.statement.ends_with('.') && row.statement.len() <= 100,
                "{}",
                row.statement
            );
            let cited = row
                .section
                .strip_prefix("EMV 4.4 Book ")
                .expect("a section of EMV 4.4");
            assert!(
                matches!(cited.as_bytes(), [b'1'..=b'4', b',', b' ', b'0'..=b'9', ..]),
                "{cited}"
            );
            assert!(row.elements.len() <= 16);
        }
    }

    #[test]
    fn no_sentence_stands_twice() {
        for (position, row) in ALL.iter().enumerate() {
            let again = ALL
                .iter()
                .skip(position + 1)
                .find(|other| other.statement == row.statement);
            assert_eq!(again, None);
        }
    }

    #[test]
    fn a_rule_that_passed_sets_no_bit() {
        for row in ALL.iter().filter(|row| row.finding == Finding::Passed) {
            assert_eq!(row.sets, Tvr::empty(), "{}", row.statement);
        }
    }
}
