-- Who uses a service: for lists of projects that contain it.
CREATE INDEX subscriptions_of_service ON subscriptions (service, credential_id);
