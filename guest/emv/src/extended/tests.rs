//! Cards made here, whose certificates or signatures are wrong in one place each.

use core::ops::Neg;

use num_bigint::BigUint;
use p256::NistP256;
use p256::elliptic_curve::ops::Reduce;
use p256::elliptic_curve::point::{AffineCoordinates, DecompactPoint};
use p256::elliptic_curve::{CurveArithmetic, FieldBytes, Group, PrimeField};
use p521::NistP521;
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use crate::authentication::perform;
use crate::bits::{Aip, Tsi, Tvr};
use crate::card_action;
use crate::card_data::{CardData, CryptogramType};
use crate::contact::Read;
use crate::date::Date;
use crate::dialogue::Dialogue;
use crate::dol::Dol;
use crate::elliptic::EllipticKey;
use crate::identity::Pan;
use crate::online::{OnlineRequest, Pending};
use crate::outcome::{Decision, Decliner, HostAnswer};
use crate::parameters::{AlgorithmSuite, Connection, EccCaPublicKey};
use crate::records::StaticData;
use crate::scripted::Scripted;
use crate::signed_answer::{AnswerAuthentication, Authenticity, Extended, Moment, Request, Scheme};
use crate::specimen::{application, terminal, transaction};
use crate::tag::{self, Tag};
use crate::terms::Terms;
use crate::tlv;

/// A key pair with a small secret, for tests only.
#[derive(Clone, Copy)]
struct Signer {
    suite: AlgorithmSuite,
    secret: u64,
}

const CA: Signer = Signer {
    suite: AlgorithmSuite::EcSdsaSha512P521,
    secret: 0x1234_5678,
};
const ISSUER: Signer = Signer {
    suite: AlgorithmSuite::EcSdsaSha256P256,
    secret: 0x9ABC_DEF0,
};
const ICC: Signer = Signer {
    suite: AlgorithmSuite::EcSdsaSha256P256,
    secret: 0x0F1E_2D3C,
};

impl Signer {
    fn x(self) -> Vec<u8> {
        match self.suite {
            AlgorithmSuite::EcSdsaSha256P256 => x::<NistP256>(self.secret),
            AlgorithmSuite::EcSdsaSha512P521 => x::<NistP521>(self.secret),
        }
    }

    fn sign(self, message: &[u8]) -> Vec<u8> {
        match self.suite {
            AlgorithmSuite::EcSdsaSha256P256 => sign::<NistP256, Sha256>(self.secret, message),
            AlgorithmSuite::EcSdsaSha512P521 => sign::<NistP521, Sha512>(self.secret, message),
        }
    }

    fn indicator(self) -> u8 {
        match self.suite {
            AlgorithmSuite::EcSdsaSha256P256 => 0x10,
            AlgorithmSuite::EcSdsaSha512P521 => 0x11,
        }
    }
}

fn x<C: CurveArithmetic>(secret: u64) -> Vec<u8> {
    let point: C::AffinePoint =
        C::ProjectivePoint::mul_by_generator(&C::Scalar::from(secret)).into();
    point.x().to_vec()
}

/// EMV 4.4 Book 2, Annex A2.2.2. The secret is negated where its point has the higher y.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "scalars wrap at the order of the curve, and a hash is not longer than a field element"
)]
fn sign<C, D>(secret: u64, message: &[u8]) -> Vec<u8>
where
    C: CurveArithmetic,
    C::AffinePoint: DecompactPoint<C>,
    C::Scalar: Reduce<FieldBytes<C>>,
    D: Digest,
{
    let secret = C::Scalar::from(secret);
    let key: C::AffinePoint = C::ProjectivePoint::mul_by_generator(&secret).into();
    let lower = C::AffinePoint::decompact(&key.x()).expect("on the curve");
    let secret = if lower.y() == key.y() {
        secret
    } else {
        secret.neg()
    };
    let once = C::Scalar::from(0x5EED_5EED_u64);
    let point: C::AffinePoint = C::ProjectivePoint::mul_by_generator(&once).into();
    let r = D::new_with_prefix(point.x())
        .chain_update(message)
        .finalize()
        .to_vec();
    let mut padded = FieldBytes::<C>::default();
    let start = padded.len() - r.len();
    padded[start..].copy_from_slice(&r);
    let s = once + <C::Scalar as Reduce<FieldBytes<C>>>::reduce(&padded) * secret;
    [r, s.to_repr().to_vec()].concat()
}

const RID: [u8; 5] = [0xA0, 0, 0, 0, 0x03];
const INDEX: u8 = 0x21;
const PAN: [u8; 8] = [0x47, 0x61, 0x73, 0x90, 0x01, 0x01, 0x00, 0x10];
const AID: [u8; 7] = [0xA0, 0, 0, 0, 0x03, 0x10, 0x10];
const PDOL: [u8; 3] = [0x9F, 0x37, 0x04];

/// A card, certificate by certificate, before it is signed.
#[derive(Clone)]
struct Issued {
    issuer: Vec<u8>,
    icc: Vec<u8>,
    /// What the issuer hashed.
    card_data: Vec<u8>,
    hash_algorithm: u8,
    record: Vec<u8>,
}

impl Issued {
    fn new() -> Self {
        let mut content = Vec::new();
        tlv::encode(tag::PAN, &PAN, &mut content);
        let mut record = Vec::new();
        tlv::encode(tag::RECORD_TEMPLATE, &content, &mut record);
        let mut card_data = content;
        tlv::encode(tag::AIP, &Aip::XDA.to_bytes(), &mut card_data);
        tlv::encode(Tag::new(0x9F06), &AID, &mut card_data);
        tlv::encode(tag::PDOL, &PDOL, &mut card_data);
        let issuer = [
            &[0x12, 0x00, 0x47, 0x61, 0x73, 0x90, 0x01, ISSUER.indicator()][..],
            &[0x20, 0x30, 0x12, 0x31, 0x00, 0x00, 0x07],
            &RID,
            &[INDEX],
            &ISSUER.x(),
        ]
        .concat();
        let icc = [
            &[
                0x14,
                0x00,
                ICC.indicator(),
                0x20,
                0x26,
                0x01,
                0x01,
                0x12,
                0x00,
            ][..],
            &[0, 0, 0, 0, 0, 9],
            &[0x00],
        ]
        .concat();
        Self {
            issuer,
            icc,
            card_data,
            hash_algorithm: 0x02,
            record,
        }
    }

    fn issuer_certificate(&self) -> Vec<u8> {
        [&self.issuer[..], &CA.sign(&self.issuer)].concat()
    }

    fn icc_certificate(&self) -> Vec<u8> {
        let hash = if self.hash_algorithm == 0x03 {
            Sha512::digest(&self.card_data).to_vec()
        } else {
            Sha256::digest(&self.card_data).to_vec()
        };
        let fields = [&self.icc[..], &[self.hash_algorithm], &hash, &ICC.x()].concat();
        [&fields[..], &ISSUER.sign(&fields)].concat()
    }
}

fn tools() -> Scripted {
    Scripted {
        ecc_ca_keys: vec![EccCaPublicKey {
            rid: RID,
            index: INDEX,
            suite: CA.suite,
            x: CA.x(),
            expires: Some([0x28, 0x12, 0x31]),
        }],
        ..Scripted::default()
    }
}

fn read(record: &[u8]) -> Read {
    let mut static_data = StaticData::default();
    static_data.add(1, record);
    let transaction = transaction();
    Read {
        terms: Terms {
            terminal: terminal([0xE0, 0xF8, 0xCC]).expect("a terminal"),
            // The terminal has a part of the name.
            application: application(&AID[..5], true).expect("an application"),
            transaction,
        },
        pdol_values: Zeroizing::new(vec![0xDE, 0xAD, 0xBE, 0xEF]),
        static_data,
        cdol1: Dol::default(),
        cdol2: Dol::default(),
        today: Date::parse(transaction.date).expect("a date"),
        effective: None,
        expiration: Date::parse([0x40, 0x12, 0x31]).expect("a date"),
        pan: Pan::parse(&PAN).expect("a PAN"),
        sequence_number: None,
    }
}

/// What the card answers to GENERATE AC, before it is signed.
const OBJECTS: [u8; 20] = [
    0x9F, 0x27, 0x01, 0x40, 0x9F, 0x36, 0x02, 0x00, 0x42, 0x9F, 0x26, 0x08, 0xA1, 0xA2, 0xA3, 0xA4,
    0xA5, 0xA6, 0xA7, 0xA8,
];

/// How the card answers the first GENERATE AC, which gave it `values`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Signed,
    Unsigned,
    /// With another first byte before the signature.
    OtherFormat,
    /// Over an answer that was changed afterwards.
    Changed,
    /// An ARQC, signed.
    Request,
    /// An ARQC that was changed afterwards.
    RequestChanged,
    Refused,
}

fn answer(kind: Answer, values: &[u8]) -> Vec<u8> {
    let mut objects = OBJECTS.to_vec();
    objects[3] = match kind {
        Answer::Refused => 0x00,
        Answer::Request | Answer::RequestChanged => 0x80,
        Answer::Signed | Answer::Unsigned | Answer::OtherFormat | Answer::Changed => 0x40,
    };
    let message = [&[0x15][..], &[0xDE, 0xAD, 0xBE, 0xEF], values, &objects].concat();
    let format = if kind == Answer::OtherFormat {
        0x05
    } else {
        0x15
    };
    let signature = [&[format][..], &ICC.sign(&message)].concat();
    if matches!(kind, Answer::Changed | Answer::RequestChanged) {
        objects[8] = 0x43;
    }
    if !matches!(kind, Answer::Unsigned | Answer::Refused) {
        tlv::encode(
            tag::SIGNED_DYNAMIC_APPLICATION_DATA,
            &signature,
            &mut objects,
        );
    }
    let mut response = Vec::new();
    tlv::encode(tag::RESPONSE_TEMPLATE_2, &objects, &mut response);
    [&response[..], &[0x90, 0x00]].concat()
}

/// What the records and GET PROCESSING OPTIONS gave, but for one element.
fn give(dialogue: &mut Dialogue<'_, Scripted>, issued: &Issued, without: Option<Tag>) {
    for (tag, value) in [
        (tag::AIP, &Aip::XDA.to_bytes()[..]),
        (tag::DF_NAME, &AID),
        (tag::PDOL, &PDOL),
        (tag::CA_PUBLIC_KEY_INDEX_CARD, &[INDEX]),
        (
            tag::ISSUER_PUBLIC_KEY_CERTIFICATE,
            &issued.issuer_certificate(),
        ),
        (tag::ICC_PUBLIC_KEY_CERTIFICATE, &issued.icc_certificate()),
        (tag::TRANSACTION_DATE, &TODAY),
    ] {
        if without != Some(tag) {
            dialogue.card.set(tag, value);
        }
    }
}

/// The one element both lists of the card ask for.
const TODAY: [u8; 3] = [0x26, 0x01, 0x01];
const LIST: [u8; 2] = [0x9A, 0x03];

fn request(kind: CryptogramType, moment: Moment) -> Request {
    Request { kind, moment }
}

/// Authenticates a card up to its first cryptogram. Returns the TVR before and after it.
fn authenticate(
    mut ports: Scripted,
    issued: &Issued,
    without: Option<Tag>,
    kind: Answer,
) -> (Tvr, Tvr, Authenticity) {
    ports.answers.push_back(answer(kind, &TODAY));
    let mut dialogue = Dialogue::new(&mut ports);
    give(&mut dialogue, issued, without);
    let read = read(&issued.record);
    let mut authentication = perform(&mut dialogue, &read).expect("no command is sent");
    let before = dialogue.tvr();
    let list = Dol::parse(&LIST).expect("a list");
    let first = request(CryptogramType::Tc, Moment::First);
    let answer = authentication
        .generate(&mut dialogue, &read.terms.application, &list, first)
        .expect("an answer");
    let due = kind != Answer::Refused || answer.authenticity != Authenticity::NotInDoubt;
    assert_eq!(dialogue.card.tsi().contains(Tsi::ODA_PERFORMED), due);
    let after = dialogue.tvr();
    assert_eq!(ports.sent[0][2], 0x48);
    (before, after, answer.authenticity)
}

#[test]
fn the_second_signature_covers_both_lists_and_a_failure_is_judged_once() {
    use Authenticity::{NotInDoubt, XdaFailed};
    let both = [TODAY, TODAY].concat();
    for (first, second, values, judged) in [
        (
            Answer::Signed,
            Answer::Signed,
            &both[..],
            [NotInDoubt, NotInDoubt],
        ),
        (
            Answer::Signed,
            Answer::Signed,
            &TODAY,
            [NotInDoubt, XdaFailed],
        ),
        (
            Answer::Signed,
            Answer::Unsigned,
            &both,
            [NotInDoubt, XdaFailed],
        ),
        (
            Answer::Changed,
            Answer::Unsigned,
            &both,
            [XdaFailed, NotInDoubt],
        ),
    ] {
        let mut ports = tools();
        ports
            .answers
            .extend([answer(first, &TODAY), answer(second, values)]);
        let mut dialogue = Dialogue::new(&mut ports);
        let issued = Issued::new();
        give(&mut dialogue, &issued, None);
        let read = read(&issued.record);
        let mut authentication = perform(&mut dialogue, &read).expect("no command is sent");
        let list = Dol::parse(&LIST).expect("a list");
        let actual = [Moment::First, Moment::AfterIssuer].map(|moment| {
            let request = request(CryptogramType::Tc, moment);
            authentication
                .generate(&mut dialogue, &read.terms.application, &list, request)
                .expect("an answer")
                .authenticity
        });
        assert_eq!(actual, judged);
        assert_eq!(ports.sent[1][2], 0x48);
    }
}

#[test]
fn a_signature_without_the_terminals_number_proves_nothing() {
    let mut issued = Issued::new();
    let without_list = issued.card_data.len().saturating_sub(6);
    issued.card_data.truncate(without_list);
    let (before, after, authenticity) =
        authenticate(tools(), &issued, Some(tag::PDOL), Answer::Signed);
    assert_eq!(after, before | Tvr::XDA_FAILED);
    assert_eq!(authenticity, Authenticity::XdaFailed);
}

#[test]
fn what_follows_from_a_failure_is_in_the_action_codes() {
    use Answer::{Changed, Request as AskIssuer, RequestChanged, Signed};
    let (nothing, failed) = (Tvr::empty(), Tvr::XDA_FAILED);
    let terminal = Some(Decliner::Terminal);
    for (kind, denial, offline_only, asks, requests, declined_by) in [
        (Signed, nothing, false, false, &[0x48][..], None),
        (Signed, failed, false, false, &[0x48], None),
        // Its second signature is missing, which is a failure of its own.
        (AskIssuer, failed, false, true, &[0x48, 0x48], terminal),
        // The issuer is asked about a TC in doubt, and decides alone.
        (Changed, nothing, false, true, &[0x48], None),
        (Changed, failed, false, false, &[0x48], terminal),
        (Changed, nothing, true, false, &[0x48], terminal),
        (RequestChanged, nothing, false, true, &[0x48, 0x48], None),
        (
            RequestChanged,
            failed,
            false,
            false,
            &[0x48, 0x08],
            terminal,
        ),
    ] {
        let mut ports = tools();
        ports
            .answers
            .extend([answer(kind, &TODAY), answer(Answer::Unsigned, &[])]);
        let mut dialogue = Dialogue::new(&mut ports);
        let issued = Issued::new();
        give(&mut dialogue, &issued, None);
        let mut read = read(&issued.record);
        (read.cdol1, read.cdol2) = (Dol::parse(&LIST).expect("a list"), Dol::default());
        read.terms.application.tac_denial = denial;
        if offline_only {
            read.terms.terminal.kind.connection = Connection::OfflineOnly;
        }
        let authentication = perform(&mut dialogue, &read).expect("no command is sent");
        let answered =
            card_action::perform(&mut dialogue, &read, authentication, CryptogramType::Tc)
                .expect("an answer");
        let (asked, completed) = match card_action::decision(dialogue, read, answered) {
            Decision::Approved(completed) | Decision::Declined(completed) => (false, completed),
            Decision::Online(request) => {
                let completed = request.complete(&mut ports, &ISSUER_APPROVES);
                (true, completed.expect("an end"))
            }
        };
        let sent: Vec<u8> = ports.sent.iter().map(|command| command[2]).collect();
        assert_eq!(sent, requests, "{kind:?} {denial:?} {offline_only}");
        assert_eq!(asked, asks, "{kind:?} {denial:?} {offline_only}");
        assert_eq!(completed.declined_by, declined_by, "{kind:?} {denial:?}");
    }
}

const ISSUER_APPROVES: HostAnswer = HostAnswer::Answered {
    approved: true,
    response_code: *b"00",
    issuer_authentication_data: None,
    scripts: Vec::new(),
};

#[test]
fn after_a_tc_in_doubt_the_issuer_alone_decides() {
    let issuer_declines = HostAnswer::Answered {
        approved: false,
        response_code: *b"05",
        issuer_authentication_data: None,
        scripts: Vec::new(),
    };
    for (answer, declined_by) in [
        (ISSUER_APPROVES, None),
        (issuer_declines, Some(Decliner::Issuer)),
        (HostAnswer::UnableToGoOnline, Some(Decliner::Terminal)),
    ] {
        let mut card = CardData::default();
        card.set(tag::TVR, &Tvr::XDA_FAILED.to_bytes());
        let pending = Pending {
            terms: Box::new(read(&Issued::new().record).terms),
            cdol2: Dol::default(),
            authentication: AnswerAuthentication::new(Scheme::Xda(Extended::Over), &[]),
            second_due: false,
        };
        let mut ports = Scripted::default();
        let completed = OnlineRequest::new(card, 0, pending)
            .complete(&mut ports, &answer)
            .expect("no card is needed");
        assert_eq!(completed.declined_by, declined_by, "{answer:?}");
        assert_eq!(completed.approved, declined_by.is_none(), "{answer:?}");
        assert!(!completed.reversal_required, "{answer:?}");
        assert!(ports.sent.is_empty(), "{answer:?}");
    }
}

#[test]
fn a_number_that_is_not_below_the_order_is_refused() {
    let signed = CA.sign(b"message");
    let key = EllipticKey {
        suite: CA.suite,
        x: CA.x(),
    };
    assert!(key.verifies(b"message", &signed));
    // The order of P-521 has 66 bytes and 521 bits, so that s and the order together still fit.
    let order =
        BigUint::from_bytes_be(&<NistP521 as CurveArithmetic>::Scalar::ONE.neg().to_repr()) + 1_u32;
    assert_eq!(order.bits(), 521);
    let (r, s) = signed.split_at(64);
    let larger = (BigUint::from_bytes_be(s) + order).to_bytes_be();
    assert_eq!(larger.len(), s.len());
    assert!(!key.verifies(b"message", &[r, &larger].concat()));
}

/// EMV 4.4 Book 2, Annex A2.2.3. A key can be chosen so that zero is the right number for one
/// message: whoever chooses keys may not sign without knowing the secret.
#[test]
fn a_number_of_zero_is_refused() {
    type Scalar = <NistP256 as CurveArithmetic>::Scalar;
    let once = Scalar::from(0x5EED_5EED_u64);
    let point: <NistP256 as CurveArithmetic>::AffinePoint =
        <NistP256 as CurveArithmetic>::ProjectivePoint::mul_by_generator(&once).into();
    let r = Sha256::new_with_prefix(point.x())
        .chain_update(b"message")
        .finalize();
    let number = <Scalar as Reduce<FieldBytes<NistP256>>>::reduce(&r);
    // Where s = once + r * secret is zero, the point is found again from the key alone.
    let secret = once.neg() * number.invert().expect("not zero");
    let key: <NistP256 as CurveArithmetic>::AffinePoint =
        <NistP256 as CurveArithmetic>::ProjectivePoint::mul_by_generator(&secret).into();
    let key = EllipticKey {
        suite: AlgorithmSuite::EcSdsaSha256P256,
        x: key.x().to_vec(),
    };
    assert!(key.is_on_curve());
    assert!(!key.verifies(b"message", &[&r[..], &[0; 32]].concat()));
}

#[test]
fn a_card_with_valid_certificates_and_a_valid_signature_is_authentic() {
    let usual = Issued::new();
    let longer_hash = Issued {
        hash_algorithm: 0x03,
        ..Issued::new()
    };
    let mut on_its_last_day = Issued::new();
    on_its_last_day.issuer[8..12].copy_from_slice(&[0x20, 0x26, 0x01, 0x01]);
    for (issued, kind) in [
        (&usual, Answer::Signed),
        (&longer_hash, Answer::Signed),
        (&on_its_last_day, Answer::Signed),
        (&usual, Answer::Refused),
    ] {
        let (before, after, authenticity) = authenticate(tools(), issued, None, kind);
        assert_eq!(before, Tvr::XDA_SELECTED);
        assert_eq!(after, Tvr::XDA_SELECTED);
        assert_eq!(authenticity, Authenticity::NotInDoubt);
    }
}

#[test]
fn a_signature_that_is_missing_or_wrong_sets_its_bit() {
    for kind in [Answer::Unsigned, Answer::OtherFormat, Answer::Changed] {
        let (before, after, authenticity) = authenticate(tools(), &Issued::new(), None, kind);
        assert_eq!(before, Tvr::XDA_SELECTED);
        assert_eq!(after, Tvr::XDA_SELECTED | Tvr::XDA_FAILED);
        assert_eq!(authenticity, Authenticity::XdaFailed);
    }
}

#[test]
fn one_wrong_field_of_a_certificate_and_there_is_no_key() {
    let wrong = |change: fn(&mut Issued)| {
        let mut issued = Issued::new();
        change(&mut issued);
        issued
    };
    for (name, issued) in [
        ("issuer format", wrong(|card| card.issuer[0] = 0x02)),
        ("issuer encoding", wrong(|card| card.issuer[1] = 0x01)),
        ("issuer identifier", wrong(|card| card.issuer[6] = 0x02)),
        ("issuer suite", wrong(|card| card.issuer[7] = 0x12)),
        ("issuer expired", wrong(|card| card.issuer[9] = 0x25)),
        ("RID", wrong(|card| card.issuer[19] = 0x04)),
        ("index", wrong(|card| card.issuer[20] = 0x22)),
        ("issuer length", wrong(|card| card.issuer.push(0x00))),
        ("ICC format", wrong(|card| card.icc[0] = 0x04)),
        ("ICC encoding", wrong(|card| card.icc[1] = 0x01)),
        ("ICC suite", wrong(|card| card.icc[2] = 0x00)),
        (
            "ICC expired by a minute",
            wrong(|card| card.icc[7..9].copy_from_slice(&[0x11, 0x59])),
        ),
        ("hash encoding", wrong(|card| card.icc[15] = 0x01)),
        ("hash algorithm", wrong(|card| card.hash_algorithm = 0x01)),
        ("card data", wrong(|card| card.card_data.push(0x00))),
        ("records", wrong(|card| card.record = vec![0x70, 0x00])),
        (
            "records not coded",
            wrong(|card| card.record = vec![0x71, 0x00]),
        ),
    ] {
        let (before, after, authenticity) = authenticate(tools(), &issued, None, Answer::Signed);
        assert_eq!(before, Tvr::XDA_SELECTED, "{name}");
        assert_eq!(after, before | Tvr::ECC_KEY_RECOVERY_FAILED, "{name}");
        assert_eq!(authenticity, Authenticity::XdaFailed, "{name}");
    }
}

#[test]
fn without_the_authoritys_key_or_the_cards_data_there_is_no_key() {
    let expired = |mut tools: Scripted| {
        tools.ecc_ca_keys[0].expires = Some([0x25, 0x12, 0x31]);
        tools
    };
    let other_index = |mut tools: Scripted| {
        tools.ecc_ca_keys[0].index = 0x22;
        tools
    };
    let revoked = |mut tools: Scripted| {
        tools.revoked.push((RID, INDEX, [0x00, 0x00, 0x07]));
        tools
    };
    // EMV 4.4 Book 4, 6.3.2.2.1 and 6.3.2.2.2: that there is no authority's key is told before the
    // first GENERATE AC, that a key could not be recovered after it.
    let (at_once, later) = (Tvr::CA_ECC_KEY_MISSING, Tvr::ECC_KEY_RECOVERY_FAILED);
    let missing = Tvr::ICC_DATA_MISSING;
    for (ports, without, before, after) in [
        (Scripted::default(), None, at_once, Tvr::empty()),
        (expired(tools()), None, at_once, Tvr::empty()),
        (other_index(tools()), None, at_once, Tvr::empty()),
        (revoked(tools()), None, Tvr::empty(), later),
        (
            tools(),
            Some(tag::CA_PUBLIC_KEY_INDEX_CARD),
            missing | at_once,
            Tvr::empty(),
        ),
        (
            tools(),
            Some(tag::ISSUER_PUBLIC_KEY_CERTIFICATE),
            missing,
            later,
        ),
        (
            tools(),
            Some(tag::ICC_PUBLIC_KEY_CERTIFICATE),
            missing,
            later,
        ),
    ] {
        let (then, in_the_end, authenticity) =
            authenticate(ports, &Issued::new(), without, Answer::Signed);
        let before = Tvr::XDA_SELECTED | before;
        assert_eq!(then, before, "{without:?}");
        assert_eq!(in_the_end, before | after, "{without:?}");
        assert_eq!(authenticity, Authenticity::XdaFailed, "{without:?}");
    }
}

#[test]
fn what_is_no_point_is_no_key() {
    for suite in [CA.suite, ISSUER.suite] {
        let key = |x| EllipticKey { suite, x };
        let length = suite.field_length();
        assert!(!key(vec![0xFF; length]).is_on_curve());
        assert!(!key(vec![0x01; length - 1]).is_on_curve());
        assert!(!key(Vec::new()).is_on_curve());
    }
    assert!(
        EllipticKey {
            suite: CA.suite,
            x: CA.x()
        }
        .is_on_curve()
    );
}
