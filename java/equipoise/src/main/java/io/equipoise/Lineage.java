package io.equipoise;

/**
 * Which line of policies a policy belongs to. It decides nothing but what may replace it: {@link Scorer#install}.
 *
 * @param programme the programme of promotions that it is for, one name for all policies that may replace each other; null for none
 * @param epoch counts the policies of a programme up, from 0; null for none
 * @param parentId the {@link Policy#id} of the policy that it came from; null for none
 */
public record Lineage(String programme, Long epoch, String parentId) {}
