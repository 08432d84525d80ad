//! A real S3 service for the tests: that of moto, one for all tests of a process. A test has a bucket of its own there.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use reqwest::{Client, Response};

const SCRIPT: &str = include_str!("s3.py");

/// The running service. It ends when its standard input is closed, in whatever way this process ends.
pub(crate) struct S3Service {
    port: u16,
    _child: Child,
}

/// A bucket of the service.
pub(crate) struct Bucket {
    pub(crate) name: String,
    service: &'static S3Service,
}

impl S3Service {
    fn start() -> Self {
        let moto = std::env::var("MOTO_ROOT").unwrap_or_default();
        let mut child = Command::new("python3")
            .args(["-c", SCRIPT])
            .env("PYTHONPATH", moto)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python3 is there");
        let mut line = String::new();
        let answers = child.stdout.take().expect("piped");
        BufReader::new(answers).read_line(&mut line).expect("it speaks text");
        let port = line.trim().parse().expect("moto is there: `make unit` installs it");
        Self { port, _child: child }
    }

    /// The service that the tests of this process share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<S3Service> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A new bucket.
    pub(crate) async fn bucket(&'static self) -> Bucket {
        let name = format!("bucket-{}", uuid::Uuid::new_v4().simple());
        let bucket = Bucket { name, service: self };
        let made = Client::new().put(bucket.address("")).send().await.expect("made");
        assert_eq!(made.status(), 200);
        bucket
    }
}

impl Bucket {
    fn address(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{}{path}", self.service.port, self.name)
    }

    /// The settings of a server that keeps its files in this bucket.
    pub(crate) fn settings(&self) -> Vec<String> {
        let endpoint = format!("--files-endpoint=http://127.0.0.1:{}", self.service.port);
        let place = format!("--files=s3://{}/team/files", self.name);
        let key = ["--files-access-key=key".to_owned(), "--files-secret-key=secret".to_owned()];
        [place, endpoint].into_iter().chain(key).collect()
    }

    /// The names of the objects.
    pub(crate) async fn names(&self) -> Vec<String> {
        let listed = self.get("?list-type=2").await.text().await.expect("read");
        let names = listed.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
        names.map(str::to_owned).collect()
    }

    /// The answer of the service to a request for this path.
    pub(crate) async fn get(&self, path: &str) -> Response {
        Client::new().get(self.address(path)).send().await.expect("answered")
    }

    /// Puts bytes in the place of an object.
    pub(crate) async fn put(&self, name: &str, bytes: &'static [u8]) {
        let put = Client::new().put(self.address(&format!("/{name}"))).body(bytes).send().await;
        assert_eq!(put.expect("answered").status(), 200);
    }

    /// Removes the bucket and everything in it.
    pub(crate) async fn remove(&self) {
        let names = self.names().await.into_iter().map(|name| format!("/{name}"));
        for path in names.chain([String::new()]) {
            // It removes objects only for who is known, and takes anybody's word.
            let request = Client::new().delete(self.address(&path)).header("authorization", "the tests");
            assert_eq!(request.send().await.expect("answered").status(), 204);
        }
    }
}
