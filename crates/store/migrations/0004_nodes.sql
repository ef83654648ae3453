-- The processes that share this database, each with what its clock said last. `beats` is greater
-- with every writing: a row that stays the same is of a process that ended.
CREATE TABLE nodes (
    id TEXT NOT NULL PRIMARY KEY,
    written_at BIGINT NOT NULL,
    beats BIGINT NOT NULL
);
