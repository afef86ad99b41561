//! What is stored of SMS alerts.

use postern_model::Timestamp;
use postern_model::record::{OwedSms, Sms};

use super::golden::golden;

#[test]
fn alerts_and_wishes() {
    let sms = Sms { number: "+371".to_owned(), notices: true, letters: false, sent: vec![Timestamp(1)] };
    golden(&sms, "01042b33373101000102");
    golden(&OwedSms { at: Timestamp(1), notice: true, attempts: 2, next: Timestamp(3) }, "0102010206");
}
