//! How long one signature and one verification take: `cargo run --release --example speed`.

use std::hint::black_box;
use std::time::Instant;

use countersign_jose::{Algorithm, Candidate, Header, Rules, SigningKey, Unverified};

const NOW: i64 = 1_900_000_000_000;
const CLAIMS: &[u8] = br#"{"exp":1900000300,"iss":"0A1B2C3D4E5F60718293A4B5@AdobeOrg","sub":"1122334455667788990A0B0C@techacct.adobe.com","aud":"https://ims-na1.adobelogin.com/c/0123456789abcdef0123456789abcdef","https://ims-na1.adobelogin.com/s/ent_cloudmgr_sdk":true}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::EdDsa] {
        let key = SigningKey::generate(algorithm)?;
        let header = Header::jwt(algorithm).to_json();
        let token = key.sign_compact(&header, CLAIMS)?;
        let candidates = [Candidate {
            kid: None,
            key: key.verifying_key(),
        }];
        let rules = Rules::assertion().with_algorithms([algorithm]);

        let sign = best(|| drop(black_box(key.sign_compact(&header, CLAIMS))));
        let verify = best(|| {
            let unverified = Unverified::parse(&token).expect("signed above");
            unverified
                .verify(&candidates, &rules, NOW, |_| Ok(()))
                .expect("signed above");
        });
        println!(
            "{}: sign {sign:.1} us, verify {verify:.1} us",
            algorithm.name()
        );
    }
    Ok(())
}

/// Microseconds per call, the best of 50 rounds of 20.
fn best(mut call: impl FnMut()) -> f64 {
    let round = |_| {
        let start = Instant::now();
        (0..20).for_each(|_| call());
        start.elapsed().as_secs_f64() * 1e6 / 20.0
    };
    (0..50).map(round).fold(f64::INFINITY, f64::min)
}
