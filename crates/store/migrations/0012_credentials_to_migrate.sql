-- What the dates of a policy may move without anybody asking.
CREATE INDEX credentials_to_migrate ON credentials (id)
    WHERE grants IN ('jwt', 'jwt_paired', 'jwt_cancelled') AND jwt_disabled_at IS NULL
        AND origin <> 'aem_developer_console';
