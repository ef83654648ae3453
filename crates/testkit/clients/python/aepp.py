import aepp
from aepp import config, connector
from job import adobe_settings, answer, lifetime


def token(job):
    aepp.configure(**adobe_settings(job))
    request = connector.AdobeRequest(config_object=config.config_object, header=config.header)
    return {
        "access_token": request.config["token"],
        "lifetime_seconds": lifetime(request.config["date_limit"]),
    }


answer(token)
